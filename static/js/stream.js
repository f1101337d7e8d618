// One run's events over EventSource: each number once, resumed after a break, closed while the tab is hidden.
const TYPES = ["started", "progress", "scalar", "gates", "heatmap", "trail", "sound", "text", "table", "seed", "metric", "finished", "failed"];
const HIDDEN_MS = 20000;

export class Stream {
  constructor(url, { onevent, onnotice, ongone }) {
    this.url = url;
    this.seen = 0;
    this.over = false;
    Object.assign(this, { onevent, onnotice, ongone });
    this.visibility = () => this.#visible();
    document.addEventListener("visibilitychange", this.visibility);
    this.#open();
  }

  #open() {
    this.source = new EventSource(this.seen ? `${this.url}?after=${this.seen}` : this.url);
    for (const type of TYPES) this.source.addEventListener(type, (message) => this.#take(type, message));
    for (const type of ["queue", "engine", "restart"]) {
      this.source.addEventListener(type, (message) => this.onnotice(type, JSON.parse(message.data)));
    }
    this.source.addEventListener("error", () => {
      if (this.over || !this.source || this.source.readyState !== EventSource.CLOSED) return;
      this.close(); // the server refused: the run is not known (any more)
      this.ongone();
    });
  }

  #take(type, message) {
    const number = Number(message.lastEventId);
    if (number <= this.seen) return;
    this.seen = number;
    if (type === "finished" || type === "failed") this.close();
    this.onevent(JSON.parse(message.data));
  }

  #visible() {
    clearTimeout(this.timer);
    if (document.hidden) this.timer = setTimeout(() => { this.source?.close(); this.source = null; }, HIDDEN_MS);
    else if (!this.source && !this.over) this.#open();
  }

  close() {
    this.over = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.visibility);
    this.source?.close();
    this.source = null;
  }
}
