"""The site without a mouse: Tab leads to everything that can be pressed, and shows where it is."""

import pytest

# What can be pressed and is in sight; what is folded away or switched off is not.
MARK = """() => {
  const all = 'a[href], button, select, input, textarea, summary, video[controls]';
  const found = [...document.querySelectorAll(all)].filter((one) =>
    !one.disabled && !one.closest('[inert]') && one.tabIndex >= 0 && one.type !== 'hidden'
    && one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }));
  found.forEach((one, number) => { one.dataset.walk = number; });
  return found.length;
}"""
# Where the focus is, whether one sees it, and whether it is on the screen.
STEP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {
    number: one.dataset.walk ?? null,
    what: one.outerHTML.slice(0, 120),
    shown: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
    inSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""
LEFT = """reached => [...document.querySelectorAll('[data-walk]')]
  .filter((one) => !reached.includes(one.dataset.walk)).map((one) => one.outerHTML.slice(0, 160))"""


@pytest.fixture
def walk(visit):
    """Return a function that goes through a page by Tab, and tells what is wrong on the way."""

    def walk(path, **options):
        page = visit(path, **options)
        page.locator("main").wait_for()
        count = page.evaluate(MARK)
        reached, wrong = set(), []
        # Regions that scroll are stations, too; at the end the browser begins anew.
        for _ in range(2 * count + 20):
            page.keyboard.press("Tab")
            step = page.evaluate(STEP)
            if step is None or step["number"] in reached:
                if len(reached) == count:
                    break
                continue
            if not step["shown"]:
                wrong.append(f"{path}: no sign of the focus: {step['what']}")
            if not step["inSight"]:
                wrong.append(f"{path}: the focus is out of sight: {step['what']}")
            if step["number"] is not None:
                reached.add(step["number"])
        wrong += [f"{path}: not reached: {one}" for one in page.evaluate(LEFT, sorted(reached))]
        page.context.close()
        return wrong

    return walk


@pytest.mark.timeout(600)
def test_tab_leads_to_everything_and_shows_where_it_is(every_page, walk):
    wrong = [
        one
        for path, options in every_page
        # The crew's pages are the same at any width.
        for width in ((360, 1280) if not path.startswith("/tracker") else (360,))
        for one in walk(path, viewport={"width": width, "height": 800}, **options)
    ]

    assert wrong == []
