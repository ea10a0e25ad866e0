// A list of any length, of which only what is seen, and a screenful on either side, is in the page. All cards have one height,
// so that places are found by arithmetic, and the scroll bar is the whole list.
import {h} from "./h.js";

// Browsers lay out no element beyond some 17 million pixels: a longer list is as tall as this, and moves along under it.
// At either end, where one scrolls, it moves as any list does; between, where one drags the bar, it stands for the rest.
const MOST_PX = 8e6, PLAIN_PX = 1e6;
const KEPT_PAGES = 40, GAP = 9, QUIET_MS = 80;

// `load(page, signal)` gives {items, total}; `make(item)` a card; `moved(first, last)` hears what is seen, `failed(error)` of trouble, `none()` of nothing.
export function endless({size, load, make, moved, failed, none, from = 0, ranked = false}) {
  const list = h("ol", {class: ranked ? "cards ranked" : "cards", "aria-busy": "true"});
  const pages = new Map(), shown = new Map();
  let total = size, columns = 1, room = 0, wide = 0, row = 0, shift = 0, before = 0, timer = 0, first = true, turn = new AbortController();
  const tall = () => Math.ceil(total / columns) * row, over = () => tall() > MOST_PX;
  const range = () => Math.min(tall(), MOST_PX) - innerHeight, whole = () => tall() - innerHeight;
  const between = (value, from, to) => value <= PLAIN_PX ? value : value >= from - PLAIN_PX ? to - (from - value)
    : PLAIN_PX + (value - PLAIN_PX) * (to - 2 * PLAIN_PX) / (from - 2 * PLAIN_PX);
  const above = () => Math.max(0, -list.getBoundingClientRect().top);

  function measure() {
    const probe = h("li", {class: "card", style: "width: 0; visibility: hidden"});
    list.append(probe);
    const least = probe.offsetWidth;
    room = list.clientWidth;
    row = probe.offsetHeight + GAP;
    probe.remove();
    const at = placeOf();
    columns = least > 10 ? Math.max(1, Math.floor((room + GAP) / (least + GAP))) : 1;
    wide = (room - (columns - 1) * GAP) / columns;
    shown.forEach((card, index) => leave(index, card));
    go(at);
  }
  function leave(index, card) {
    card.remove();
    shown.delete(index);
    if (card.leave) card.leave();
  }
  const placeOf = () => row ? Math.floor((above() + shift) / row) * columns : from;

  // Brings a place to the top of the window, and the scroll bar to where that is in the whole.
  function go(index) {
    list.style.height = Math.min(tall(), MOST_PX) + "px";
    if (index > 0) settle(Math.max(0, Math.min(Math.floor(index / columns) * row, whole())));
    draw();
  }
  function settle(wanted) {
    const now = above(), next = over() ? between(wanted, whole(), range()) : wanted;
    shift = wanted - next;
    before = next;
    scrollBy(0, next - now + Math.max(0, list.getBoundingClientRect().top));
  }

  function scrolled() {
    if (!row || !list.isConnected) return;
    const now = above(), far = Math.abs(now - before) > 2 * innerHeight;
    before = now;
    const due = over() ? between(now, range(), whole()) - now : 0;
    if (far) shift = due;
    else if (shift !== due && (now < innerHeight || now > range() - innerHeight)) settle(Math.min(now + shift, whole()));
    draw(far);
  }

  function draw(far = false) {
    if (!row) return;
    const top = above() + shift, end = Math.min(total, Math.ceil((top + 2 * innerHeight) / row) * columns);
    const begin = Math.max(0, Math.floor((top - innerHeight) / row) * columns);
    for (const [index, card] of shown) if ((index < begin || index >= end) && !card.contains(document.activeElement)) leave(index, card);
    // What is seen comes first.
    const seen = Math.max(begin, Math.floor(top / row) * columns);
    for (let at = begin; at < end; at++) {
      const index = at < begin + end - seen ? at - begin + seen : at - end + seen;
      const items = pages.get(Math.floor(index / size)), there = shown.get(index);
      const item = items && items[index % size];
      if (there && (there.whole || !item)) continue;
      const card = item ? make(item) : h("li", {class: "card blank", "aria-busy": "true"});
      card.whole = Boolean(item);
      card.setAttribute("aria-setsize", total);
      card.setAttribute("aria-posinset", index + 1);
      card.style.width = wide + "px";
      if (there) there.replaceWith(card);
      else list.insertBefore(card, after(index));
      shown.set(index, card);
    }
    for (const [index, card] of shown) card.style.transform = `translate(${index % columns * (wide + GAP)}px, ${Math.floor(index / columns) * row - shift}px)`;
    moved(Math.floor(top / row) * columns, Math.min(total, Math.ceil((top + innerHeight - Math.max(0, list.getBoundingClientRect().top)) / row) * columns));
    clearTimeout(timer);
    timer = setTimeout(fetchSeen, far ? QUIET_MS : 0, Math.floor(begin / size), Math.floor(Math.max(0, end - 1) / size));
  }
  // Tab goes on in the list's order, however the cards came.
  function after(index) {
    let next = null, least = Infinity;
    for (const [i, card] of shown) if (i > index && i < least) { least = i; next = card; }
    return next;
  }

  // What is passed over quickly is not asked for, and what is not seen any more no longer waited for.
  let wanted = [0, 0];
  const asked = new Map();
  async function fetchSeen(low, high) {
    wanted = [low, high];
    for (const [page, one] of asked) if (page < low || page > high) { one.abort(); asked.delete(page); }
    for (let page = low; page <= high; page++) if (!pages.has(page) && !asked.has(page)) fetchPage(page);
    list.setAttribute("aria-busy", String(asked.size > 0));
  }
  async function fetchPage(page) {
    const mine = new AbortController();
    asked.set(page, mine);
    turn.signal.addEventListener("abort", () => mine.abort(), {once: true, signal: mine.signal});
    try {
      const {items, total: all} = await load(page, mine.signal);
      pages.set(page, items);
      for (const old of pages.keys()) {
        if (pages.size <= KEPT_PAGES) break;
        if (old < wanted[0] || old > wanted[1]) pages.delete(old);
      }
      asked.delete(page);
      const grown = all !== total;
      total = all;
      failed(null);
      if (!all) none();
      if (!list.isConnected) return;
      if (first) { first = false; go(from); } else if (grown) { list.style.height = Math.min(tall(), MOST_PX) + "px"; draw(); } else draw();
      list.setAttribute("aria-busy", String(asked.size > 0));
    } catch (error) {
      asked.delete(page);
      if (error.name !== "AbortError") failed(error, () => fetchSeen(...wanted));
    }
  }

  const watch = new ResizeObserver(() => { if (list.isConnected && list.clientWidth && list.clientWidth !== room) measure(); });
  watch.observe(list);
  addEventListener("scroll", scrolled, {passive: true, signal: turn.signal});
  return {element: list, close: () => { shown.forEach((card, index) => leave(index, card)); turn.abort(); watch.disconnect(); clearTimeout(timer); }};
}
