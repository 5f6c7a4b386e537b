// The page of posts: fetches new ones while it is visible.

import { PolledFragment } from "./polled-fragment.js";

new PolledFragment(document.querySelector("[data-from]")).start();
