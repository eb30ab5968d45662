"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const players = [];
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  function clock(seconds, decimals = 0) {
    const unit = 10 ** decimals;
    const total = Math.round(Math.max(seconds, 0) * unit);
    const whole = Math.floor(total / unit);
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const text = `${hours ? `${hours}:` : ""}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    return decimals ? `${text}.${String(total % unit).padStart(decimals, "0")}` : text;
  }

  class Player {
    constructor(card, entry) {
      this.entry = entry;
      this.video = card.querySelector("video");
      this.failure = card.querySelector(".failure");
      this.plot = card.querySelector(".plot");
      this.playhead = card.querySelector(".playhead");
      this.cursor = card.querySelector(".cursor");
      this.now = card.querySelector(".now");
      this.captionBox = card.querySelector(".lines");
      this.captionLines = [...card.querySelectorAll(".caption-line")];
      this.rows = [...card.querySelectorAll(".segment")]; // best first, as in the data
      this.bands = [...card.querySelectorAll(".band")];
      this.shades = [...card.querySelectorAll(".shade")];
      this.list = card.querySelector(".segment-list");
      this.playAll = card.querySelector(".play-all");
      this.pending = null; // seconds to go to when the metadata has come
      this.queue = []; // segments still to play, when a segment was asked for
      this.until = null; // where the present one ends
      this.ownSeek = false;
      this.time = 0;
      this.wire(card);
      this.paint(0);
    }

    wire(card) {
      const { video, plot } = this;
      for (const button of card.querySelectorAll("[data-segment]")) {
        button.addEventListener("click", () => this.playSegments([Number(button.dataset.segment)]));
      }
      for (const button of this.captionLines) {
        button.addEventListener("click", () => {
          this.seek(Number(button.dataset.start));
          this.reveal();
        });
      }
      for (const button of card.querySelectorAll("[data-order]")) {
        button.addEventListener("click", () => this.order(card, button));
      }
      for (const button of card.querySelectorAll("[data-curve]")) {
        button.addEventListener("click", () => this.toggleCurve(card, button));
      }
      if (this.playAll) {
        const inTime = this.entry.segments.map((_, index) => index);
        inTime.sort((a, b) => this.entry.segments[a][0] - this.entry.segments[b][0]);
        this.playAll.addEventListener("click", () => this.playSegments(inTime));
      }
      plot.addEventListener("click", (event) => this.seek(this.timeAt(event)));
      plot.addEventListener("pointermove", (event) => this.hover(event));
      plot.addEventListener("pointerleave", () => { this.cursor.hidden = true; });
      plot.addEventListener("keydown", (event) => this.key(event));
      if (!video) return;
      video.addEventListener("loadedmetadata", () => {
        if (this.pending !== null) this.jump(this.pending);
        this.pending = null;
      });
      video.addEventListener("seeking", () => {
        if (!this.ownSeek) this.stopQueue();
        this.ownSeek = false;
        this.follow();
      });
      for (const name of ["timeupdate", "seeked", "pause"]) video.addEventListener(name, () => this.follow());
      video.addEventListener("ended", () => { if (this.until !== null) this.nextSegment(); });
      video.addEventListener("play", () => {
        for (const other of players) if (other !== this && other.video) other.video.pause();
        this.loop();
      });
      const failed = () => { this.failure.hidden = false; };
      video.addEventListener("error", failed);
      if (video.error) failed();
    }

    // Times of the page count from the first shown frame; the file's own clock may start earlier.
    position() {
      if (this.pending !== null) return this.pending;
      if (!this.video || this.video.readyState === 0) return this.time;
      return clamp(this.video.currentTime - this.entry.offset, 0, this.entry.duration);
    }

    jump(seconds) {
      this.ownSeek = true;
      this.video.currentTime = seconds + this.entry.offset;
    }

    move(seconds) {
      const time = clamp(seconds, 0, this.entry.duration);
      if (this.video && this.video.readyState >= 1) {
        this.jump(time);
      } else if (this.video && !this.video.error) {
        this.pending = time;
        if (this.video.preload === "none") this.video.preload = "metadata";
        if (this.video.networkState !== HTMLMediaElement.NETWORK_LOADING) this.video.load();
      }
      this.paint(time);
    }

    seek(seconds) {
      this.stopQueue();
      this.move(seconds);
    }

    playSegments(indices) {
      this.queue = [...indices];
      this.reveal();
      this.nextSegment();
    }

    nextSegment() {
      const index = this.queue.shift();
      if (index === undefined) {
        this.stopQueue();
        if (this.video) this.video.pause();
        return;
      }
      const [start, end] = this.entry.segments[index];
      this.until = end;
      this.move(start);
      if (this.video) this.video.play().catch(() => {}); // refused without a gesture, or interrupted: the seek stands
    }

    stopQueue() {
      this.queue = [];
      this.until = null;
    }

    reveal() {
      if (this.video) this.video.scrollIntoView({ block: "nearest" });
    }

    loop() {
      if (!this.video || this.video.paused) return;
      this.follow();
      requestAnimationFrame(() => this.loop());
    }

    follow() {
      const time = this.position();
      if (this.until !== null && !this.video.seeking && !this.video.paused && time >= this.until - 0.02) {
        this.nextSegment();
        return;
      }
      this.paint(time);
    }

    scoreAt(seconds) {
      const { scores, step } = this.entry;
      const index = Math.floor(seconds / step + 1e-9);
      return scores.length ? scores[clamp(index, 0, scores.length - 1)] : null;
    }

    describe(seconds) {
      const decimals = this.entry.duration < 60 ? 1 : 0;
      const score = this.scoreAt(seconds);
      return clock(seconds, decimals) + (score === null ? "" : ` · score ${score.toFixed(2)}`);
    }

    paint(seconds) {
      this.time = seconds;
      const { duration } = this.entry;
      this.playhead.style.left = `${duration > 0 ? (100 * seconds) / duration : 0}%`;
      const spoken = `${clock(seconds)} of ${clock(duration)}`;
      if (this.plot.getAttribute("aria-valuetext") !== spoken) this.plot.setAttribute("aria-valuetext", spoken);
      this.plot.setAttribute("aria-valuenow", String(Math.round(seconds * 10) / 10));
      this.now.textContent = this.describe(seconds);
      if (this.marked !== undefined && Math.abs(seconds - this.marked) < 0.08) return;
      this.marked = seconds; // the lists need no update at every frame
      const inside = ([start, end]) => seconds >= start - 0.001 && seconds < end;
      this.entry.segments.forEach((segment, index) => {
        const here = inside(segment);
        for (const group of [this.rows, this.bands, this.shades]) group[index].classList.toggle("here", here);
      });
      this.entry.captions.forEach((caption, index) => this.markLine(this.captionLines[index], inside(caption)));
    }

    markLine(line, here) {
      if (line.hasAttribute("aria-current") === here) return;
      if (!here) {
        line.removeAttribute("aria-current");
        return;
      }
      line.setAttribute("aria-current", "true");
      if (this.marked === 0) return; // the list stands at its beginning
      const box = this.captionBox;
      const offset = line.getBoundingClientRect().top - box.getBoundingClientRect().top;
      if (offset < 0 || offset > box.clientHeight - line.offsetHeight) box.scrollTop += offset - box.clientHeight / 3;
    }

    timeAt(event) {
      const box = this.plot.getBoundingClientRect();
      return clamp((event.clientX - box.left) / box.width, 0, 1) * this.entry.duration;
    }

    hover(event) {
      const seconds = this.timeAt(event);
      const share = this.entry.duration > 0 ? seconds / this.entry.duration : 0;
      this.cursor.hidden = false;
      this.cursor.style.left = `${100 * share}%`;
      this.cursor.classList.toggle("late", share > 0.7);
      this.cursor.firstElementChild.textContent = this.describe(seconds);
      if (event.buttons === 1) this.seek(seconds);
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { duration } = this.entry;
      const step = duration >= 60 ? 5 : duration >= 10 ? 1 : duration / 10;
      const now = this.position();
      const target = {
        ArrowRight: now + step, ArrowUp: now + step, ArrowLeft: now - step, ArrowDown: now - step,
        PageUp: now + 6 * step, PageDown: now - 6 * step, Home: 0, End: duration,
      }[event.key];
      if (target !== undefined) {
        this.seek(target);
      } else if ((event.key === " " || event.key === "Enter") && this.video) {
        if (this.video.paused) this.video.play().catch(() => {}); else this.video.pause();
      } else {
        return;
      }
      event.preventDefault();
    }

    order(card, pressed) {
      for (const button of card.querySelectorAll("[data-order]")) {
        button.setAttribute("aria-pressed", String(button === pressed));
      }
      const value = pressed.dataset.order === "time"
        ? (row) => this.entry.segments[Number(row.dataset.rank)][0]
        : (row) => Number(row.dataset.rank);
      this.list.append(...[...this.rows].sort((a, b) => value(a) - value(b)));
    }

    toggleCurve(card, button) {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      card.querySelector(`.curve-${button.dataset.curve}`).toggleAttribute("hidden", !shown);
    }
  }

  for (const card of document.querySelectorAll("article.video")) {
    players.push(new Player(card, data[Number(card.dataset.index)]));
  }

  // Files are opened when their card comes near: a report may show hundreds of videos.
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      if (target.preload === "none") target.preload = "metadata";
      near.unobserve(target);
    }
  }, { rootMargin: "400px" });
  for (const { video } of players) if (video) near.observe(video);

  // On paper every line of a transcript is wanted.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
