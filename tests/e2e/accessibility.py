"""Accessibility checks: keyboard navigation, and axe-core."""

from axe_playwright_python.base import AXE_SCRIPT

RUN_AXE_SCRIPT = "options => axe.run(document, options).then(({ violations }) => violations)"
SCHEMES = ("light", "dark")
VIOLATIONS_ONLY = {"resultTypes": ["violations"]}
# The other rules do not depend on the colour scheme.
CONTRAST_ONLY = {"runOnly": ["color-contrast"], **VIOLATIONS_ONLY}
OPEN_ALL_DETAILS = (
    "document.querySelectorAll('details').forEach((details) => { details.open = true })"
)

# Marks all visible, enabled controls. Before each Tab, and at the end, it records the focused
# element, whether its focus indicator is visible, and whether it is within the viewport.
TRACK_FOCUS_SCRIPT = """() => {
  const all = 'a[href], button, select, input, textarea, summary, video[controls]';
  const controls = [...document.querySelectorAll(all)].filter((element) =>
    !element.disabled && !element.closest('[inert]') && element.tabIndex >= 0
    && element.type !== 'hidden'
    && element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }));
  document.querySelectorAll('[data-walk]').forEach((element) => {
    element.removeAttribute('data-walk');
  });
  controls.forEach((element, number) => { element.dataset.walk = number; });
  window.steps = [];
  window.recordFocus = () => {
    const element = document.activeElement;
    if (!element || element === document.body) return;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    window.steps.push({
      number: element.dataset.walk ?? null,
      html: element.outerHTML.slice(0, 120),
      isVisible: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
      isInViewport: box.bottom > 0 && box.top < innerHeight
        && box.right > 0 && box.left < innerWidth,
    });
  };
  // Tab starts at the top, as on a newly loaded page.
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
  scrollTo(0, 0);
  window.walk?.abort();
  window.walk = new AbortController();
  addEventListener('keydown', window.recordFocus, { capture: true, signal: window.walk.signal });
  return controls.length;
}"""
TAKE_FOCUS_STEPS = "() => { window.recordFocus(); return window.steps.splice(0); }"
UNREACHED_ELEMENTS = """reached => [...document.querySelectorAll('[data-walk]')]
  .filter((element) => !reached.includes(element.dataset.walk))
  .map((element) => element.outerHTML.slice(0, 160))"""


def keyboard_problems(page):
    """Press Tab through a page; return unreachable controls, and those without visible focus."""
    page.locator("main").wait_for()
    count = page.evaluate(TRACK_FOCUS_SCRIPT)
    reached, problems = set(), []
    presses_left = 2 * count + 20
    while len(reached) < count and presses_left > 0:
        # Scrollable regions also get the focus; after the last element the browser starts again.
        presses = min(presses_left, count - len(reached) + 2)
        presses_left -= presses
        for _ in range(presses):
            page.keyboard.press("Tab")
        for step in page.evaluate(TAKE_FOCUS_STEPS):
            if step["number"] in reached:
                continue
            if not step["isVisible"]:
                problems.append(f"no visible focus: {step['html']}")
            if not step["isInViewport"]:
                problems.append(f"the focus is outside of the viewport: {step['html']}")
            if step["number"] is not None:
                reached.add(step["number"])
    problems += [
        f"not reached: {html}" for html in page.evaluate(UNREACHED_ELEMENTS, sorted(reached))
    ]
    return problems


def axe_violations(page):
    """Return a line for each element of a page that violates a rule of axe, light or dark."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    violations = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        options = VIOLATIONS_ONLY if scheme == SCHEMES[0] else CONTRAST_ONLY
        violations += [
            f"{scheme}: {rule['id']}: {node['html'][:120]}: {node['failureSummary']}"
            for rule in page.evaluate(RUN_AXE_SCRIPT, options)
            for node in rule["nodes"]
        ]
    return violations
