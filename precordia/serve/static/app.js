// The page's frame: bar, views by address, language, brightness, and files dropped anywhere.
import {get, send} from "./api.js";
import {archive} from "./archive.js";
import {ask} from "./ask.js";
import {compare} from "./compare.js";
import {decide} from "./decide.js";
import {events} from "./events.js";
import {find} from "./find.js";
import {choice, h} from "./h.js";
import {read} from "./read.js";
import {signIn} from "./signin.js";
import {chooser, empty} from "./states.js";
import {language, setLanguage, t} from "./words.js";

const VIEWS = {find, read, events, compare, decide, ask, archive};
// The views that are about no ECG.
const BARE = ["find", "archive"];
const $ = id => document.getElementById(id);
// The ECG that the other views are about: {case} or {file}.
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
  const about = !BARE.includes(view);
  document.title = `${t(view)} · Precordia`;
  bar(view);
  const main = $("main");
  main.dataset.view = view;
  scrollTo(0, 0);
  main.replaceChildren(...[about && !open ? [empty(t("no_ecg"), t("no_ecg_help")), chooser(file => context.openFile(file, view))] : VIEWS[view](context, open, query, ids)].flat(2));
  context.say(t(view));
  // The bar is drawn anew with each view: who came by keyboard goes on from the content.
  if (document.activeElement === document.body && shownBefore) main.focus({preventScroll: true});
  shownBefore = true;
}
let shownBefore = false;

function bar(view) {
  const there = open && !open.file ? "/" + open.case : open ? "/file" : "";
  const link = name => h("a", {href: `#${name}${BARE.includes(name) ? "" : there}`, "aria-current": name === view && "page"}, t(name));
  const dark = document.documentElement.dataset.theme === "dark";
  $("bar").replaceChildren(...[
    h("a", {class: "brand", href: "#find"}, "Precordia"),
    h("nav", {"aria-label": t("views")}, Object.keys(VIEWS).map(link)),
    h("span", {class: "about"}, open ? (open.file ? open.file.name : "") : ""),
    choice(t("language"), language(), [["en", "English"], ["de", "Deutsch"]], name => { setLanguage(name); show(); }),
    h("button", {class: "quiet", onclick: () => { bright(dark ? "light" : "dark"); show(); }}, t(dark ? "light" : "dark")),
    person && person.name !== "local" && h("span", {class: "person"}, `${person.name} · ${t(`role_${person.role}`)} `, h("button", {class: "quiet", onclick: signOut}, t("sign_out")))].filter(Boolean));
  $("foot").textContent = t("foot");
  $("skip").textContent = t("skip");
}

function bright(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

bright(localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
setLanguage(language());
history.scrollRestoration = "manual";  // a view goes back to its place itself
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

// Who asks. Whoever signs in after somebody else finds nothing of theirs: the page begins anew.
let person = null;
async function meet() {
  person = await get("/v1/me");
  bar(address().view);
}
async function enter(signed) {
  if (person && person.name !== signed.name) { location.reload(); return; }
  const first = !person;
  await meet();
  context.say(`${t("signed_in")} ${person.name}`);
  if (first) show();
}
async function signOut() {
  await send("/v1/sign-out", {}).catch(() => {});
  location.reload();
}
const refused = location.hash === "#not-let-in", wanted = sessionStorage.getItem("wanted");
if (refused || (wanted && !location.hash)) history.replaceState(null, "", refused ? "/" : wanted);
sessionStorage.removeItem("wanted");
addEventListener("unknown", () => signIn(enter, refused));
meet().catch(() => {});
show();
