"""Put HTML, a template and a link into an error's text and name."""

CLASS = "injecting"
GAINS = ()

Error = type("<injected onload=alert(1)>", (Exception,), {})


def attack():
    print("<injected onload=alert(1)>")


def answer(*_inputs):
    raise Error("<injected src=x onerror=alert(1)> {{ 7 * 7 }} {% raw %} javascript:alert(1)")
