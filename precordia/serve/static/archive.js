// Archive: what there is, what could not be used, how it drifts, and what is promised of it.
import {get, send} from "./api.js";
import {columns} from "./chart.js";
import {h} from "./h.js";
import {empty, failed, fill} from "./states.js";
import {date, named, number, t} from "./words.js";

export function archive(context) {
  const place = h("div", {class: "archive"});
  fill(place, () => Promise.all([get("/v1/archive"), get("/v1/me"), get("/v1/rejects")]), ([all, me, rejects]) => all.n_cases === 0 ? empty(t("no_cases"), t("no_cases_help")) : [
    h("section", {class: "panel facts"}, [[t("n_cases"), number(all.n_cases)], [t("n_patients"), number(all.n_patients)], [t("encoder"), all.encoder], [t("formats"), all.formats.map(f => `${f.value} ${number(f.count)}`).join(", ")],
      [t("model"), me.language_models.join(", ") || t("none")], [t("role"), `${me.name}, ${t(`role_${me.role}`)}`], [t("version"), me.version]].map(([k, v]) => h("dl", {}, h("dt", {}, k), h("dd", {}, v)))),
    h("section", {class: "panel wide"}, h("h2", {}, t("over_time")), columns(all.years, t("over_time"))),
    h("section", {class: "panel"}, h("h2", {}, t("findings")), bars(all.findings, all.n_cases, "finding")),
    h("section", {class: "panel"}, h("h2", {}, t("quality")), bars(all.quality, all.n_cases, "quality"), h("h2", {}, t("device")), bars(all.devices, all.n_cases, "device")),
    h("section", {class: "panel promised"}, h("h2", {}, t("promise")), h("p", {}, h("span", {class: all.promise.holds ? "tag good" : "tag doubt"}, t(all.promise.holds ? "holds" : "holds_not")), " ", all.promise.text),
      h("h2", {}, t("drift")), h("p", {class: "quiet"}, t("drift_help")), all.drift.years.length ? columns(all.drift.years, t("drift"), i => i.distance, 2) : "–",
      all.drift.years.some(i => i.from_training !== null) && [h("p", {class: "quiet"}, t("drift_trained_help")), columns(all.drift.years, t("drift_trained"), i => i.from_training, 2)]),
    h("section", {class: "panel wide"}, h("h2", {}, `${t("rejects")} (${number(rejects.total)})`), rejects.total ? [bars(all.rejects.map(r => ({name: r.reason, count: r.count})), rejects.total),
      h("ul", {class: "rejects"}, rejects.items.map(r => h("li", {}, h("strong", {}, r.recording_id || ""), " ", r.reason)))] : h("p", {class: "quiet"}, t("no_rejects")), service()),
    h("section", {class: "panel wide jobs"}, h("h2", {}, t("jobs")), jobs(context, me.role === "admin")),
  ].flat());
  return [h("h1", {class: "unseen"}, t("archive")), place];
}

// Whether questions are answered, kept up to date while the view is open.
function service() {
  const state = h("p", {role: "status"}, "…"), element = h("section", {}, h("h2", {}, t("service")), state);
  const look = () => get("/v1/ready").then(r => { state.textContent = `${t("ready")} · ${number(r.n_cases)} ${t("cases")}`; }).catch(e => { state.textContent = e.status ? t("busy") : t("offline"); });
  const timer = setInterval(() => element.isConnected ? look() : clearInterval(timer), 10000);
  look();
  return element;
}

// What is built, fitted and checked: looked at every second while something runs. Administrators begin more.
function jobs(context, may) {
  const list = h("ol", {}), trouble = h("div", {}), begin = h("div", {class: "tools"}), element = h("div", {}, may && begin, trouble, list);
  let before = null, timer = 0;
  const start = (kind, archive) => send("/v1/jobs", archive ? {kind, archive} : {kind})
    .then(() => { trouble.replaceChildren(); context.say(`${t(kind)}: ${t("begun")}`); setTimeout(look, 700); }, error => trouble.replaceChildren(failed(error)));
  const end = id => send(`/v1/jobs/${id}/stop`, {}).then(() => { trouble.replaceChildren(); context.say(t("stopping")); list.tabIndex = -1; list.focus(); look(); }, error => trouble.replaceChildren(failed(error)));
  async function look() {
    clearTimeout(timer);
    let busy = false;
    try {
      const {items, archives} = await get("/v1/jobs");
      const running = items.find(one => one.state === "running"), text = JSON.stringify(items) + archives;
      busy = Boolean(running);
      if (text !== before) {
        before = text;
        list.replaceChildren(...items.slice(0, 8).map(one => job(one, may && end)), ...(items.length ? [] : [h("li", {class: "quiet"}, t("no_jobs"))]));
        const button = (kind, archive) => h("button", {class: "quiet", disabled: busy, onclick: () => start(kind, archive)}, `${t(kind)}${archive ? ` ${t("from_archive")} ${archive}` : ""}`);
        const focused = begin.contains(document.activeElement);
        begin.replaceChildren(...archives.map(name => button("build", name)), button("refit"), button("check"));
        if (focused) (begin.querySelector("button:not(:disabled)") || begin).focus();
      }
    } catch (error) { trouble.replaceChildren(failed(error, look)); }
    if (element.isConnected) timer = setTimeout(look, busy ? 1000 : 10000);
  }
  setTimeout(look);
  return element;
}

const HELP = {lost: "lost_help", stopped: "stopped_help"};
function job(one, end) {
  const state = t(one.state === "failed" ? "job_failed" : one.state), name = `${t(one.kind)}${one.source ? ` ${t("from_archive")} ${one.source}` : ""}`;
  const far = one.total ? `${number(one.done)} / ${number(one.total)} ${t(one.unit)}` : "";
  return h("li", {class: "job", "data-state": one.state},
    h("p", {}, h("strong", {}, name), " ", h("span", {class: `tag ${{done: "good", failed: "doubt", lost: "doubt"}[one.state] || ""}`}, state), h("span", {class: "quiet"}, ` ${date(one.started)}, ${t("by")} ${one.by}`)),
    one.state === "running" && h("p", {}, h("progress", {"aria-label": `${name}: ${t(one.doing)}`, ...(one.total ? {max: one.total, value: one.done} : {})}), ` ${t(one.doing)} ${far}`,
      end && one.doing !== "stopping" && h("button", {class: "quiet end-job", "aria-label": `${t("stop")}: ${name}`, onclick: e => { e.target.disabled = true; end(one.id); }}, t("stop"))),
    one.told && h("p", {class: "quiet"}, one.told), one.state in HELP && h("p", {class: "quiet"}, t(HELP[one.state])));
}

const bars = (items, whole, facet) => h("table", {class: "bars"}, h("tbody", {}, items.slice(0, 15).map(one => h("tr", {},
  h("th", {scope: "row"}, facet ? h("a", {href: `#find?${new URLSearchParams({pick: `${facet}:${one.value}`})}`}, named(one.name)) : one.name),
  h("td", {}, h("meter", {min: 0, max: whole, value: one.count, "aria-label": `${named(one.name)}: ${number(one.count)}`})), h("td", {class: "n"}, number(one.count))))));
