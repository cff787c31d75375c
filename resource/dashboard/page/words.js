// The words of the pages, beside those of the first screen.
import { en } from "../text/en.js";
import { zh } from "../text/zh.js";
import { en as english } from "./text/en.js";
import { zh as chinese } from "./text/zh.js";

Object.assign(en, english);
Object.assign(zh, chinese);
