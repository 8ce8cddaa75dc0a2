"""A report in a real Chromium: what it shows on a screen, light and dark, on a telephone and on paper."""

import shutil

from playwright.sync_api import sync_playwright

from checks import expect

CHROMIUM = shutil.which("chromium")
WIDE, NARROW = {"width": 1000, "height": 1400}, {"width": 390, "height": 844}
# The contrast of texts and what is behind them, by the formula of WCAG: the lowest ratio of all texts.
CONTRAST = """() => {
  const channels = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number)
  const light = text => channels(text).map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, place) => sum + c * [.2126, .7152, .0722][place], 0)
  const back = light(getComputedStyle(document.body).backgroundColor)
  const texts = [...document.querySelectorAll('h1,h2,h3,p,span,strong,b,li,th,td,text')].filter(one => one.textContent.trim())
  return Math.min(...texts.map(one => {
    const style = getComputedStyle(one), front = light(one.tagName === 'text' ? style.fill : style.color)
    return (Math.max(front, back) + .05) / (Math.min(front, back) + .05)
  }))
}"""
# The lines of all plots: how many there are, and those that reach out of their picture.
LINES = """() => [...document.querySelectorAll('svg')].map(svg => {
  const frame = svg.viewBox.baseVal
  const lines = [...svg.querySelectorAll('path,circle')].map(one => one.getBBox())
  const texts = [...svg.querySelectorAll('text')].map(one => one.getBBox())
  const outside = [...lines, ...texts].filter(box => box.x < -1 || box.y < -1
    || box.x + box.width > frame.width + 1 || box.y + box.height > frame.height + 1)
  const overlaps = texts.filter((one, place) => texts.slice(place + 1).some(other => one.x < other.x + other.width
    && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height))
  return {lines: lines.length, texts: texts.length, outside: outside.length, overlaps: overlaps.length}
})"""


def look(path, folder, name, plots):
    """Opens a report in every way, fails where something is wrong with it, and leaves pictures in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            backs = {
                scheme: _shown(browser, path, folder / f"{name}{end}.png", WIDE, scheme, plots)
                for scheme, end in (("light", ""), ("dark", "-dark"))
            }
            expect(backs["light"] != backs["dark"], f"the same page light and dark: {backs}")
            _shown(browser, path, folder / f"{name}-narrow.png", NARROW, "light", plots)
            _printed(browser, path, folder / f"{name}-print.png")
        finally:
            browser.close()


def _open(browser, path, size, scheme):
    page = browser.new_page(viewport=size, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    expect(not said, said)
    expect(asked == [path.as_uri()], f"the page asks for more than itself: {asked}")
    return page


def _shown(browser, path, picture, size, scheme, plots):
    page = _open(browser, path, size, scheme)
    width = page.evaluate("document.documentElement.scrollWidth")
    expect(width <= size["width"], f"{width} wide on {size['width']}")
    found = page.evaluate(LINES)
    expect(len(found) == plots, f"{len(found)} plots")
    for plot in found:
        expect(plot["lines"] > 0 and plot["texts"] > 3, found)
        expect(plot["outside"] == 0 and plot["overlaps"] == 0, found)
    contrast = page.evaluate(CONTRAST)
    expect(contrast >= 4.5, f"{scheme}: a text with contrast {contrast:.1f}")
    page.screenshot(path=picture, full_page=True)
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.close()
    return back


def _printed(browser, path, picture):
    """On paper it is dark on white, also where the screen is dark, and no plot is cut by the end of a sheet."""
    page = _open(browser, path, WIDE, "dark")
    page.emulate_media(media="print")
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    expect(back == "rgb(255, 255, 255)", f"paper is {back}")
    expect(page.evaluate(CONTRAST) >= 4.5, "contrast on paper")
    rule = page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside")
    expect(rule == "avoid", f"break-inside of a figure is {rule}")
    sheets = page.pdf(format="A4", print_background=True)
    expect(sheets.startswith(b"%PDF") and 1 <= sheets.count(b"/Type /Page\n") + sheets.count(b"/Type /Page ") <= 6, "sheets")
    page.screenshot(path=picture, full_page=True)
    page.close()
