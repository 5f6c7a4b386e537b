// The page of posts: it gets new ones while somebody sees it.

import { Fetched } from "./fetched.js";

new Fetched(document.querySelector("[data-from]")).start();
