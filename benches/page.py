"""The pages below docs that hold what the benchmarks have measured."""

from namespaces import ROOT

END = "<!-- to here -->"


def write(name, command, text):
    """Puts the text where the page has a place for what this command writes."""
    page = ROOT / "docs" / name
    begin = f"<!-- {command} --docs writes from here -->"
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{begin}\n{text}{END}{after}")
