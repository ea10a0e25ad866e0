// Signing in: over whatever is shown, so that what was typed stays. The browser keeps a cookie that no script can read.
import {get, send} from "./api.js";
import {h} from "./h.js";
import {failed} from "./states.js";
import {t} from "./words.js";

let shown = null;

// Opens once, however many answers ask for it; `done` is told who signed in.
export async function signIn(done, refused = false) {
  if (shown) return;
  const place = h("div", {role: "alert"}, refused && h("p", {class: "quiet"}, t("not_let_in")));
  const field = h("input", {type: "password", name: "token", autocomplete: "current-password", required: true, maxlength: 8192, "aria-describedby": "token-help"});
  const button = h("button", {class: "main"}, t("sign_in")), other = h("div", {});
  const form = h("form", {onsubmit: async event => {
    event.preventDefault();
    button.disabled = true;
    try {
      const person = await send("/v1/sign-in", {token: field.value});
      shown.close();
      done(person);
    } catch (error) {
      place.replaceChildren(error.status === 401 ? h("p", {class: "wrong"}, t("wrong_token")) : failed(error));
      field.select();
      field.focus();
    }
    button.disabled = false;
  }}, h("label", {}, t("token"), field), h("p", {class: "quiet", id: "token-help"}, t("token_help")), place, button);
  shown = h("dialog", {class: "sign-in", "aria-labelledby": "sign-in-name"}, h("h2", {id: "sign-in-name"}, t("sign_in")), other, form);
  shown.addEventListener("close", () => { shown.remove(); shown = null; });
  document.body.append(shown);
  shown.showModal();
  field.focus();
  const {issuer} = await get("/v1/sign-in").catch(() => ({}));
  // The view that was wanted is found again on the way back: it stands in the address, which the issuer never sees.
  if (issuer) other.append(h("button", {class: "main", onclick: () => { sessionStorage.setItem("wanted", location.hash); location.assign("/v1/sign-in/issuer"); }}, t("sign_in_issuer")), h("p", {class: "quiet"}, t("or_token")));
}
