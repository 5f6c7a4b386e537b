"""What is wrong with a page for those who use no mouse, or do not see it as others do."""

from axe_playwright_python.base import AXE_SCRIPT

RUN_AXE_SCRIPT = "options => axe.run(document, options).then(({ violations }) => violations)"
SCHEMES = ("light", "dark")
VIOLATIONS_ONLY = {"resultTypes": ["violations"]}
# All else is the same in any colour.
CONTRAST_ONLY = {"runOnly": ["color-contrast"], **VIOLATIONS_ONLY}
OPEN_ALL_DETAILS = "document.querySelectorAll('details').forEach((one) => { one.open = true })"

# What can be pressed and is in sight; what is folded away or switched off is not.
# Before each Tab, and at the end, it is noted where the focus is, whether one sees it, and whether
# it is on the screen.
TRACK_FOCUS_SCRIPT = """() => {
  const all = 'a[href], button, select, input, textarea, summary, video[controls]';
  const found = [...document.querySelectorAll(all)].filter((one) =>
    !one.disabled && !one.closest('[inert]') && one.tabIndex >= 0 && one.type !== 'hidden'
    && one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }));
  document.querySelectorAll('[data-walk]').forEach((one) => one.removeAttribute('data-walk'));
  found.forEach((one, number) => { one.dataset.walk = number; });
  window.steps = [];
  window.note = () => {
    const one = document.activeElement;
    if (!one || one === document.body) return;
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    window.steps.push({
      number: one.dataset.walk ?? null,
      what: one.outerHTML.slice(0, 120),
      shown: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
      inSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    });
  };
  // Tab begins at the top again, as on a page that was just loaded.
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
  scrollTo(0, 0);
  window.walk?.abort();
  window.walk = new AbortController();
  addEventListener('keydown', window.note, { capture: true, signal: window.walk.signal });
  return found.length;
}"""
TAKE_FOCUS_STEPS = "() => { window.note(); return window.steps.splice(0); }"
UNREACHED_ELEMENTS = """reached => [...document.querySelectorAll('[data-walk]')]
  .filter((one) => !reached.includes(one.dataset.walk)).map((one) => one.outerHTML.slice(0, 160))"""


def keyboard_problems(page):
    """Go through a page by Tab; return what cannot be reached, or shows no focus."""
    page.locator("main").wait_for()
    count = page.evaluate(TRACK_FOCUS_SCRIPT)
    reached, wrong = set(), []
    left = 2 * count + 20
    while len(reached) < count and left > 0:
        # Regions that scroll are stations, too; at the end the browser starts over.
        presses = min(left, count - len(reached) + 2)
        left -= presses
        for _ in range(presses):
            page.keyboard.press("Tab")
        for step in page.evaluate(TAKE_FOCUS_STEPS):
            if step["number"] in reached:
                continue
            if not step["shown"]:
                wrong.append(f"no sign of the focus: {step['what']}")
            if not step["inSight"]:
                wrong.append(f"the focus is out of sight: {step['what']}")
            if step["number"] is not None:
                reached.add(step["number"])
    wrong += [f"not reached: {one}" for one in page.evaluate(UNREACHED_ELEMENTS, sorted(reached))]
    return wrong


def axe_violations(page):
    """Return what axe finds on a page, light and dark, in a few words for each place."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        options = VIOLATIONS_ONLY if scheme == SCHEMES[0] else CONTRAST_ONLY
        found += [
            f"{scheme}: {rule['id']}: {place['html'][:120]}: {place['failureSummary']}"
            for rule in page.evaluate(RUN_AXE_SCRIPT, options)
            for place in rule["nodes"]
        ]
    return found
