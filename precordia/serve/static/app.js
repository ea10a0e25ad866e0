// The page's frame: bar, views by address, language, brightness, and files dropped anywhere.
import {get, token} from "./api.js";
import {archive} from "./archive.js";
import {ask} from "./ask.js";
import {compare} from "./compare.js";
import {decide} from "./decide.js";
import {find} from "./find.js";
import {choice, h} from "./h.js";
import {read} from "./read.js";
import {empty} from "./states.js";
import {language, setLanguage, t} from "./words.js";

const VIEWS = {find, read, compare, decide, ask, archive};
const $ = id => document.getElementById(id);
// The ECG that Read, Compare, Decide and Ask are about: {case} or {file}.
let open = null;

export const context = {
  say: text => { $("say").textContent = text; },
  go: (view, id = "", query = {}) => {
    const hash = `#${view}${id ? "/" + id : ""}${Object.keys(query).length ? "?" + new URLSearchParams(query) : ""}`;
    if (location.hash === hash) show(); else location.hash = hash;
  },
  openFile: (file, view = "read") => { open = {file}; context.go(view, "file"); },
  ecg: () => open,
};

function address() {
  const [path, query] = location.hash.slice(1).split("?");
  const [view, ...ids] = path.split("/");
  return {view: VIEWS[view] ? view : "find", ids, query: new URLSearchParams(query)};
}

function show() {
  const {view, ids, query} = address();
  if (ids[0] && ids[0] !== "file") open = {case: ids[0]};
  const about = !["find", "archive"].includes(view);
  document.title = `${t(view)} · Precordia`;
  bar(view);
  const main = $("main");
  main.dataset.view = view;
  main.replaceChildren(...[about && !open ? empty(t("no_ecg"), t("no_ecg_help")) : VIEWS[view](context, open, query, ids)].flat());
  context.say(t(view));
  // The bar is drawn anew with each view: who came by keyboard goes on from the content.
  if (document.activeElement === document.body && shownBefore) main.focus({preventScroll: true});
  shownBefore = true;
}
let shownBefore = false;

function bar(view) {
  const there = open && !open.file ? "/" + open.case : open ? "/file" : "";
  const link = name => h("a", {href: `#${name}${["find", "archive"].includes(name) ? "" : there}`, "aria-current": name === view && "page"}, t(name));
  const dark = document.documentElement.dataset.theme === "dark";
  $("bar").replaceChildren(
    h("a", {class: "brand", href: "#find"}, "Precordia"),
    h("nav", {"aria-label": t("views")}, Object.keys(VIEWS).map(link)),
    h("span", {class: "about"}, open ? (open.file ? open.file.name : "") : ""),
    choice(t("language"), language(), [["en", "English"], ["de", "Deutsch"]], name => { setLanguage(name); show(); }),
    h("button", {class: "quiet", onclick: () => { bright(dark ? "light" : "dark"); show(); }}, t(dark ? "light" : "dark")),
    h("label", {class: "choice token"}, h("span", {}, t("token")), h("input", {type: "password", autocomplete: "off", placeholder: t("token"), title: t("token_help"),
      value: token.get(), onchange: event => { token.set(event.target.value.trim()); show(); }})));
  $("foot").textContent = t("foot");
  $("skip").textContent = t("skip");
}

function bright(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

bright(localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
setLanguage(language());
addEventListener("hashchange", show);
addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("dropping"); });
addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const file = event.dataTransfer.files[0];
  if (file && address().view !== "find") context.openFile(file, address().view === "archive" ? "read" : address().view);
});
addEventListener("offline", () => context.say(t("offline")));
$("skip").addEventListener("click", event => { event.preventDefault(); $("main").focus(); });
show();
get("/v1/me").catch(() => context.say(t("needs_token")));
