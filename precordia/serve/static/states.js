// What stands where nothing can be shown yet, or at all: always with the next step.
import {h} from "./h.js";
import {t} from "./words.js";

export const loading = what => h("p", {class: "state", role: "status", "aria-busy": "true"}, h("span", {class: "wait", "aria-hidden": "true"}), what || t("loading"));
export const empty = (title, help) => h("div", {class: "state"}, h("strong", {}, title), help && h("p", {}, help));

// What a signal that is no resting ECG can show and cannot, in one line, and what was assumed of it.
export const limits = signal => signal && h("p", {class: "limits", role: "note"}, [signal.limits, ...(signal.notes || [])].join(" "));

export function failed(error, retry) {
  if (error.name === "AbortError") return h("span", {});
  const [title, help] = error.status === 0 ? [t("offline"), t("offline_help")]
    : error.status === 401 ? [t("needs_token"), t("needs_token_help")]
    : error.status === 403 ? [t("not_allowed"), error.message]
    : error.status === 404 ? [t("not_there"), error.message]
    : error.status === 429 || error.status === 503 ? [t("busy"), error.message]
    : [t("failed"), error.message];
  return h("div", {class: "state bad", role: "alert"}, h("strong", {}, title), h("p", {}, help),
    error.remedy && h("p", {}, error.remedy), retry && h("button", {onclick: retry}, t("again")));
}

// A file is chosen by a button: the field of the browser's own stays out of sight, and takes the keyboard.
export function chooser(chosen) {
  const field = h("input", {type: "file", class: "unseen", id: "file", "aria-label": t("choose"), onchange: () => chosen(field.files[0])});
  return h("span", {class: "chooser"}, field, h("label", {for: "file", class: "button quiet"}, t("choose")));
}

// Fills a place with what is made of an answer; loading, failure and another try are seen to.
export async function fill(place, promise, make, what) {
  place.replaceChildren(loading(what));
  try { place.replaceChildren(...[await make(await promise())].flat()); }
  catch (error) {
    if (!("status" in error) && error.name !== "AbortError") console.error(error);
    place.replaceChildren(failed(error, () => fill(place, promise, make, what)));
  }
  return place;
}
