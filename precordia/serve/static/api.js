// The service's addresses. An ECG is {case} or {file}: its id goes in the query, or its bytes in the body.

export class Failure extends Error {
  constructor(message, remedy, status) { super(message); this.remedy = remedy; this.status = status; }
}

// Who has signed in is known by a cookie that no script reads; who has not is told so once, whatever was asked.
async function ask(method, path, query = {}, body, signal) {
  const given = Object.entries(query).filter(([, v]) => v !== null && v !== undefined && v !== "" && v !== false);
  const headers = {};
  if (typeof body === "string") headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path + (given.length ? "?" + new URLSearchParams(given) : ""), {method, headers, body, signal});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("offline", null, 0);
  }
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    if (response.status === 401 && path !== "/v1/sign-in") dispatchEvent(new Event("unknown"));
    throw new Failure(told.error || response.statusText, told.remedy, response.status);
  }
  return response;
}

export const get = async (path, query, signal) => (await ask("GET", path, query, undefined, signal)).json();
export const post = async (path, query, body, signal) => (await ask("POST", path, query, body, signal)).json();
export const send = (path, document) => post(path, {}, JSON.stringify(document));
export const about = (path, ecg, query = {}, signal) => ecg.file
  ? post(path, {...query, filename: ecg.file.name}, ecg.file, signal)
  : post(path, {...query, case: ecg.case}, undefined, signal);

export async function download(path, query, name) {
  const url = URL.createObjectURL(await (await ask("GET", path, query)).blob());
  const link = document.createElement("a");
  link.href = url; link.download = name; link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// A server's events, one after the other: {event, data}.
export async function* stream(path, document, signal) {
  const reader = (await ask("POST", path, {}, JSON.stringify(document), signal)).body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const {done, value} = await reader.read();
    rest += done ? "" : decoder.decode(value, {stream: true});
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block), data = /^data: (.*)$/m.exec(block);
      if (event && data) yield {event: event[1], data: JSON.parse(data[1])};
    }
    if (done) return;
  }
}

// Signals and measurements of cases do not change: the last ones are kept.
const kept = new Map();
function remember(key, make) {
  if (!kept.has(key)) {
    const answer = make();
    answer.catch(() => kept.delete(key));
    kept.set(key, answer);
    if (kept.size > 200) kept.delete(kept.keys().next().value);
  }
  return kept.get(key);
}
export const small = (id, signal) => remember("small " + id, () =>
  get(`/v1/cases/${id}/signal`, {leads: "II", seconds: 4, fs: 100}, signal).catch(error => {
    if (error.status !== 400) throw error;
    return get(`/v1/cases/${id}/signal`, {seconds: 4, fs: 100}, signal);
  }));
const key = ecg => ecg.file ? `${ecg.file.name} ${ecg.file.size} ${ecg.file.lastModified}` : ecg.case;
export const signal = (ecg, start = 0, seconds = 10) => remember(`signal ${key(ecg)} ${start} ${seconds}`, () => ecg.file
  ? about("/v1/signal", ecg, {start, seconds}) : get(`/v1/cases/${ecg.case}/signal`, {start, seconds}));
export const measured = ecg => remember("measure " + key(ecg), () => about("/v1/measure", ecg));
export const report = ecg => remember("report " + key(ecg), () => about("/v1/report", ecg));
export const events = ecg => remember("events " + key(ecg), () => about("/v1/search/events", ecg, {k: 5}));
export const inspected = ecg => remember("inspect " + key(ecg), () => about("/v1/inspect", ecg));
export const html = async (path, ecg, query = {}) => (await (ecg.file
  ? ask("POST", path, {...query, filename: ecg.file.name}, ecg.file)
  : ask("POST", path, {...query, case: ecg.case}))).text();
