"""Write, read and start programs by IPython's own means: magics, aliases, the shell's methods."""

CLASS = "writing"
GAINS = ("write",)
SECONDS = 3.0


def attack():
    shell, drop = get_ipython(), KNOWN["drop"]
    sleep = f"sleep 20 # {KNOWN['token']}"
    for way in (
        lambda: shell.run_cell_magic("writefile", f"{drop}/written", "x"),
        lambda: shell.run_line_magic("logstart", f"{drop}/log"),
        lambda: shell.run_line_magic("save", f"-f {drop}/saved 1"),
        lambda: shell.run_line_magic("cd", drop) or open("here", "w"),
        lambda: shell.run_cell_magic("bash", "--bg", f"touch {drop}/by-bash; {sleep}"),
        lambda: shell.run_line_magic("sx", f"touch {drop}/by-sx"),
        lambda: shell.run_line_magic("alias_magic", "mine system"),
        lambda: shell.system(f"touch {drop}/by-system; {sleep}"),
        lambda: shell.system_raw(f"touch {drop}/by-system"),
        lambda: super(type(shell), shell).system_piped(f"touch {drop}/by-system"),
        lambda: shell.history_manager.reset(),
        lambda: shell.mktempfile("x"),
    ):
        try:
            way()
        except (Exception, SystemExit):
            continue
