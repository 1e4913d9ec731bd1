// The live page: reads /status every two seconds and shows it. Whatever comes from the API goes in
// as text, never as HTML; the page's policy would refuse HTML too.

const POLL = 2000;
const QUIET = 12_000;  // without an answer for so long, the page says so
const BACK = 180, AHEAD = 60;  // seconds that a lane shows
const FEW_LANES = 24;  // so many are shown when empty too
const KEY = 'snapshots-key';
const SVG = 'http://www.w3.org/2000/svg';
const NONE = '–';
const ENDED = ['COMPLETED', 'COMPLETED_WITH_FAILURES', 'FAILED', 'CANCELLED', 'REJECTED'];
const OF = {Slots: 'the slots', Capacity: 'the capacity', Forecast: 'the forecast', Failures: 'the failures',
  Recent: 'the latest exports', Schedules: 'the schedules', Bursts: 'the bursts', Open: 'the open bursts',
  HELD: 'what is held', WAITING_FOR_DATA: 'what waits for data', Singles: 'exports before the backlog'};

const $ = id => document.getElementById(id);
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const state = {reading: null, tag: null, target: null, skew: 0, answeredAt: Date.now(), lanes: [], announced: null};

// ---- Times and numbers

const now = () => Date.now() + state.skew;
const seconds = text => (text ? Date.parse(text) / 1000 : null);
const number = value => value.toLocaleString('en');
const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? '' : 's'}`;

function length(total) {
  const whole = Math.max(0, Math.round(total));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor(whole % 86_400 / 3600)} h`;
}

function moment(text, precise = true) {
  if (!text) return NONE;
  const at = new Date(text);
  const time = at.toLocaleTimeString('en-GB', precise ? {} : {hour: '2-digit', minute: '2-digit'});
  const isToday = at.toDateString() === new Date(now()).toDateString();
  const day = at.toLocaleDateString('en-GB', {weekday: 'short', day: 'numeric', month: 'short'});
  return isToday ? time : `${day}, ${time}`;
}

const atLeast = (value, isAtLeast) => number(value) + (isAtLeast ? '+' : '');

// ---- Elements

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, className = '', text = '') {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function draw(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// Rows of `body` become those of `items`; one that stays keeps its element, and so its focus.
function rows(body, items, keyOf, build, fill) {
  const wanted = new Map(items.map(item => [String(keyOf(item)), item]));
  const known = new Map();
  for (const row of [...body.children]) {
    if (wanted.has(row.dataset.key)) known.set(row.dataset.key, row);
    else {
      if (row.contains(document.activeElement)) body.closest('section').querySelector('h2').focus();
      row.remove();
    }
  }
  let place = body.firstElementChild;
  for (const [key, item] of wanted) {
    let row = known.get(key);
    if (!row) {
      row = make('tr');
      row.dataset.key = key;
      row.append(...build(row));
    }
    if (row === place) place = place.nextElementSibling;
    else body.insertBefore(row, place);
    fill(row.parts ?? row.cells, item, row);
  }
}

function cell(className = '') {
  return make('td', className);
}

function rowHead(className = '') {
  const head = make('th', className);
  head.scope = 'row';
  head.append(make('span', 'mono'), make('span', 'under'));
  return head;
}

function fillHead(head, name, under) {
  set(head.firstChild, name);
  set(head.lastChild, under || '');
}

function setState(element, status) {
  element.className = `state ${status.toLowerCase()}`;
  set(element, status.toLowerCase().replaceAll('_', ' '));
}

function cancelCell(ask) {
  const holder = cell('act'), button = make('button', '', 'Cancel');
  button.type = 'button';
  holder.append(button);
  button.addEventListener('click', () => ask(button.dataset.id));
  return holder;
}

function fillCancel(holder, id, what) {
  const button = holder.querySelector('button');
  button.dataset.id = id;
  button.setAttribute('aria-label', `Cancel ${what} ${id}`);
}

// ---- Asking and answering

function headers(more = {}) {
  return {Authorization: `Bearer ${sessionStorage.getItem(KEY)}`, ...more};
}

async function send(path, body) {
  const answer = await fetch(path, {
    method: 'POST', body: JSON.stringify(body), headers: headers({'Content-Type': 'application/json'}),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.Message);
  return said;
}

// The ticket leaves the address bar and the history's entry before anything else happens.
async function enter() {
  const ticket = location.hash.slice(1);
  if (!ticket) return;
  history.replaceState(null, '', location.pathname);
  const said = await send('session', {Ticket: ticket});
  sessionStorage.setItem(KEY, said.Key);
}

function alertOf(id, title, text, done = false) {
  const old = document.querySelector(`#alerts > [data-of="${id}"]`);
  if (!text) return old?.remove();
  if (old && old.querySelector('p').lastChild.textContent === text) return undefined;
  old?.remove();
  const box = make('div', done ? 'done' : ''), said = make('p');
  box.dataset.of = id;
  said.append(make('strong', '', `${title}: `), document.createTextNode(text));
  box.append(said);
  if (id === 'action') {
    const close = make('button', '', 'Close');
    close.type = 'button';
    close.addEventListener('click', () => box.remove());
    box.append(close);
  }
  $('alerts').append(box);
  return undefined;
}

function announce(text) {
  $('live').textContent = text;
}

function question(title, consequence, yes, act, hasMinutes = false) {
  set($('question'), title);
  set($('consequence'), consequence);
  set($('yes'), yes);
  $('minutes-box').hidden = !hasMinutes;
  $('yes').onclick = async () => {
    $('ask').close();
    try {
      const said = await send('actions', {...act(), Confirmed: true});
      alertOf('action', '', '');
      announce(said.Message);
      alertOf('done', 'Done', said.Message, true);
    } catch (error) {
      alertOf('done', '', '');
      alertOf('action', 'That could not be done', error.message);
    }
    await poll();
  };
  $('ask').showModal();
  $('no').focus();
}

const askExport = id => question(
  `Cancel ${id}?`,
  'If it waits, it is cancelled at once. If it runs, QuickSight finishes its job, which holds the slot until then, and no files are delivered. It cannot be undone.',
  'Cancel the export', () => ({Action: 'cancelExport', Id: id}));

const askBurst = id => question(
  `Cancel what waits of ${id}?`,
  'Its exports that wait are cancelled. Those that run end without files. Files that were delivered stay. It cannot be undone.',
  'Cancel the burst', () => ({Action: 'cancelBurst', Id: id}));

const askRelease = button => question(
  `Let ${button.dataset.id} go on?`,
  'It is made of the data that is there now, or of the recipients that its query found, as they are.',
  'Release the burst', () => ({Action: 'releaseBurst', Id: button.dataset.id}));

const askReleaseExport = button => question(
  `Let ${button.dataset.id} go on?`,
  'It is made of the data that is there now, and says so.',
  'Release the export', () => ({Action: 'releaseExport', Id: button.dataset.id}));

function releaseButton(ask) {
  const button = make('button', 'release', 'Release');
  button.type = 'button';
  button.addEventListener('click', () => ask(button));
  return button;
}

function fillRelease(holder, id) {
  const button = holder.querySelector('.release');
  button.dataset.id = id;
  button.setAttribute('aria-label', `Release ${id}`);
  return button;
}

// What a burst or an export waits for, or why it is held.
function whyItWaits({Status: status, Data: data, Hold: hold}) {
  if (status === 'HELD' && hold) return `${hold.Message} Fails ${moment(hold.HeldUntil)}.`;
  if (status === 'HELD') return data ? data.DataSets.map(each => `${each.DataSetId}: ${each.Reason}`).join('; ') : '';
  return status === 'WAITING_FOR_DATA' && data ? `until ${moment(data.Until)} for ${data.DataSetIds.join(', ')}` : '';
}

const askRetry = button => question(
  `Run the failed exports of ${button.dataset.id} again?`,
  `${count(Number(button.dataset.failed), 'export')} that failed run again, under the same ids and names, from the data as it is now. Files that were delivered stay as they are.`,
  'Run the failed again', () => ({Action: 'retryBurst', Id: button.dataset.id, Revision: Number(button.dataset.revision) + 1}));

// ---- Sections

function showHead(reading) {
  const {Slots: slots, Capacity: capacity, Forecast: forecast, Failures: failures} = reading;
  set($('title'), reading.Title);
  if (!slots || !capacity) return;
  const held = slots.Held.length, several = capacity.Targets.length > 1;
  const failed = failures ? failures.Exports.length : 0;
  const failedText = failures ? atLeast(failed, failures.More) : NONE;
  set($('held'), `${held} of ${capacity.Limit}`);
  set($('waiting'), atLeast(capacity.Waiting, capacity.WaitingIsAtLeast));
  set($('completed'), number(capacity.CompletedLastHour));
  set($('failed'), failedText);
  $('failed-box').classList.toggle('bad', failed > 0);
  const pace = reading.ExportsPerSecond ?? capacity.CompletedLastHour / 3600;
  set($('pace'), pace ? `${(pace * 60).toFixed(1)} a minute` : NONE);
  set($('p50'), moment(forecast?.FinishP50));
  set($('p95'), moment(forecast?.FinishP95));
  set($('learned'), forecast?.LearnedShare == null ? NONE : `${Math.round(forecast.LearnedShare * 100)}%`);
  const said = [];
  if (capacity.PausedUntil) said.push(`Paused until ${moment(capacity.PausedUntil, false)}: nothing new starts.`);
  said.push(held || capacity.Waiting
    ? `${held} of ${count(capacity.Limit, 'slot')} held, ${atLeast(capacity.Waiting, capacity.WaitingIsAtLeast)} waiting.`
    : 'Nothing runs and nothing waits.');
  if (slots.Collecting.length) said.push(`Files of ${count(slots.Collecting.length, 'export')} are being collected.`);
  const end = seconds(forecast?.FinishP50);
  if (end && end * 1000 > now()) said.push(`All of it is expected to be done at ${moment(forecast.FinishP50)}.`);
  set($('bad-news'), failed ? `${failedText} failed in the last day.` : '');
  set($('news'), said.join(' '));
  document.title = `${failed ? `${failedText} failed · ` : ''}${held}/${capacity.Limit} · ${number(capacity.Waiting)} waiting`;
  $('pause').hidden = Boolean(capacity.PausedUntil);
  $('resume').hidden = !capacity.PausedUntil;
  $('targets').hidden = !several;
  if (several && $('target').options.length !== capacity.Targets.length) {
    $('target').replaceChildren(...capacity.Targets.map(name => new Option(name, name)));
    $('target').value = capacity.Target;
  }
}

function showFailures({Failures: failures}) {
  if (!failures) return;
  const found = failures.Exports;
  $('failures-section').hidden = !found.length;
  const reasons = new Map();
  for (const each of found) {
    const code = each.Error?.Code ?? 'no reason recorded';
    reasons.set(code, (reasons.get(code) ?? 0) + 1);
  }
  $('reasons').replaceChildren(...[...reasons].sort((a, b) => b[1] - a[1]).map(([code, times]) => {
    const item = make('li');
    item.append(make('strong', 'mono', code), ` ${count(times, 'export')}`);
    return item;
  }));
  rows($('failures'), found, each => each.ExportId,
    () => [rowHead(), cell('why'), cell('mono wide'), cell('wide'), cell('time')],
    ([head, why, burst, attempts, ended], each) => {
      fillHead(head, each.ExportId, each.DashboardId);
      set(why, [each.Error?.Code, each.Error?.Message].filter(Boolean).join(': ') || NONE);
      set(burst, each.BurstId ?? '');
      set(attempts, String(each.Attempt));
      set(ended, moment(each.FinishedAt));
    });
  set($('failures-note'), 'Among what was accepted in the last day'
    + (failures.More ? ', the newest 100. ' : '. ')
    + 'Remove the reason; then run those of a burst that has ended again from its row below. The request of a single export is submitted under a new ExportId.');
}

// An export keeps its lane while it holds its slot, as a new one takes the first that is free.
function layOut(slots) {
  const at = seconds(slots.At), held = new Map(slots.Held.map(each => [each.ExportId, each]));
  const failed = new Set((state.reading.Failures?.Exports ?? []).map(each => each.ExportId));
  for (const lane of state.lanes) {
    if (lane.now && !held.has(lane.now.ExportId)) {
      lane.past.push({id: lane.now.ExportId, from: seconds(lane.now.AdmittedAt) ?? at, to: at});
      lane.now = null;
    }
    for (const span of lane.past) span.tone = failed.has(span.id) ? 'failed' : 'past';
    lane.past = lane.past.filter(span => span.to > at - BACK);
    if (lane.now) {
      lane.now = held.get(lane.now.ExportId);
      held.delete(lane.now.ExportId);
    }
  }
  for (const each of held.values()) {
    let lane = state.lanes.find(one => !one.now);
    if (!lane) state.lanes.push(lane = {past: [], now: null});
    const last = lane.past.at(-1), from = seconds(each.AdmittedAt);
    if (last && from) last.to = Math.min(last.to, from);
    lane.now = each;
  }
}

function showSlots({Slots: slots, Capacity: capacity}) {
  if (!slots || !capacity) return;
  layOut(slots);
  const limit = capacity.Limit, isFew = Math.max(limit, state.lanes.length) <= FEW_LANES;
  while (isFew && state.lanes.length < limit) state.lanes.push({past: [], now: null});
  while (state.lanes.length > (isFew ? limit : 0) && !state.lanes.at(-1).now && !state.lanes.at(-1).past.length) state.lanes.pop();
  const shown = state.lanes.map((lane, place) => ({...lane, place})).filter(lane => isFew || lane.now);
  rows($('slots'), shown, lane => lane.place,
    row => {
      const cells = [cell(), cell(), cell(), cell('number'), cell('wide'), cancelCell(askExport)];
      cells[1].append(make('span', 'mono'), make('span', 'under'));
      const picture = draw('svg', {'aria-hidden': 'true'});
      cells[2].append(picture, make('span', 'under'));
      row.parts = cells;
      row.setAttribute('role', 'row');
      for (const each of cells) each.setAttribute('role', 'cell');
      return cells;
    },
    ([place, holder, picture, time, end, cancel], lane) => {
      set(place, String(lane.place + 1));
      const each = lane.now;
      fillHead(holder, each ? each.ExportId : 'free', each && [each.DashboardId, each.BurstId].filter(Boolean).join(' · '));
      holder.firstChild.className = each ? 'mono' : 'under';
      set(time, each?.AdmittedAt ? length(now() / 1000 - seconds(each.AdmittedAt)) : '');
      set(end, each ? moment(each.ExpectedEnd) : '');
      cancel.hidden = false;
      cancel.firstChild.hidden = !each;
      if (each) fillCancel(cancel, each.ExportId, 'export');
      drawLane(picture.firstChild, lane);
    });
  const notes = [];
  if (!isFew) notes.push(`${number(Math.max(0, limit - slots.Held.length))} slots are free.`);
  if (capacity.ReservedSlots) notes.push(`${count(capacity.ReservedSlots, 'slot')} reserved for people who work in QuickSight itself.`);
  if (capacity.Ceiling) notes.push(`QuickSight last refused a start with ${capacity.Ceiling} running: others in the account use slots.`);
  if (slots.Slots === 0) notes.push('The limit is 0: nothing starts.');
  notes.push('Slots are counted, not numbered: a lane is the first that was free. What is shown of the past was seen since this page was opened.');
  set($('slots-note'), notes.join(' '));
}

function drawLane(picture, lane) {
  const at = now() / 1000, begin = at - BACK, whole = BACK + AHEAD;
  const parts = [];
  const add = (className, key, from, to) => {
    const left = Math.max(from, begin), right = Math.min(to, at + AHEAD);
    if (right > left) parts.push({className, key, x: (left - begin) / whole * 100, width: (right - left) / whole * 100});
  };
  for (const span of lane.past) add(span.tone, span.id, span.from, span.to);
  if (lane.now) {
    const {ExportId: id, AdmittedAt, JobStartedAt, ExpectedEnd} = lane.now;
    const from = seconds(AdmittedAt) ?? begin, job = seconds(JobStartedAt), end = seconds(ExpectedEnd);
    add('now held', `${id} held`, from, job ?? at);
    if (job) add('now job', `${id} job`, job, at);
    if (end) add('now rest', `${id} rest`, at, end);
  }
  if (!picture.firstChild) {
    picture.append(draw('rect', {class: 'ground', width: '100%', height: '100%'}),
      draw('g', {}), draw('line', {class: 'moment', x1: '75%', x2: '75%', y1: '0', y2: '100%'}));
  }
  const group = picture.childNodes[1];
  const known = new Map([...group.children].map(each => [each.dataset.key, each]));
  for (const {className, key, x, width} of parts) {
    let bar = known.get(key);
    known.delete(key);
    if (!bar) {
      bar = draw('rect', {height: '100%'});
      bar.dataset.key = key;
      group.append(bar);
    }
    const past = className === 'past' || className === 'failed';
    bar.setAttribute('class', past ? `${className} bygone` : className);
    bar.setAttribute('x', `${x.toFixed(2)}%`);
    bar.setAttribute('width', `${width.toFixed(2)}%`);
  }
  for (const bar of known.values()) bar.remove();
}

function showBacklog({Slots: slots, Capacity: capacity}) {
  if (!slots) return;
  $('backlog-box').hidden = !slots.Waiting.length;
  rows($('backlog'), slots.Waiting, each => each.ExportId,
    () => [cell('number'), rowHead(), cell('mono wide'), cell(), cell('wide'), cancelCell(askExport)],
    ([place, head, burst, end, deadline, cancel], each) => {
      set(place, each.Place === null ? NONE : number(each.Place));
      const again = each.Attempt > 1 ? `attempt ${each.Attempt}` : '';
      const due = each.DueAt ? `not before ${moment(each.DueAt)}` : '';
      fillHead(head, each.ExportId, [each.DashboardId, again, due].filter(Boolean).join(' · '));
      set(burst, each.BurstId ?? '');
      set(end, moment(each.ExpectedEnd));
      set(deadline, each.Deadline ? moment(each.Deadline) : '');
      const isLate = each.Deadline && each.ExpectedEnd > each.Deadline;
      deadline.className = isLate ? 'wide state failed' : 'wide';
      fillCancel(cancel, each.ExportId, 'export');
    });
  const more = capacity ? capacity.Waiting - slots.Waiting.length : 0;
  const rest = slots.MoreWait && more > 0 ? `${atLeast(more, capacity.WaitingIsAtLeast)} more wait behind these.` : '';
  set($('backlog-note'), slots.Waiting.length ? rest : 'Nothing waits.');
}

// Single exports that wait for data or are held; what is released goes to the backlog, and the focus.
function showSingles({Singles: singles, MoreSingles: isCut}) {
  const section = $('singles-section');
  rows($('singles'), singles, each => each.ExportId,
    () => {
      const last = cancelCell(askExport);
      last.append(releaseButton(askReleaseExport));
      return [rowHead(), cell(), cell('why'), last];
    },
    ([head, status, why, last], each) => {
      fillHead(head, each.ExportId, [each.DashboardId, each.Target === 'default' ? '' : each.Target].filter(Boolean).join(' · '));
      setState(status, each.Status);
      set(why, whyItWaits(each));
      fillCancel(last, each.ExportId, 'export');
      fillRelease(last, each.ExportId);
    });
  set($('singles-note'), isCut ? 'There are more: `snapshots list --status HELD` and `--status WAITING_FOR_DATA` have them.' : '');
  if (!singles.length && section.contains(document.activeElement)) $('backlog-name').focus();
  section.hidden = !singles.length;
}

function showBursts({Bursts: bursts, Forecast: forecast}) {
  const foreseen = new Map((forecast?.Bursts ?? []).map(each => [each.BurstId, each]));
  $('bursts-box').hidden = !bursts.length;
  rows($('bursts'), bursts, burst => burst.BurstId,
    row => {
      const head = rowHead(), status = cell(), progress = cell('progress'), end = cell('wide'), deadline = cell('wide');
      const last = cancelCell(askBurst), again = make('button', 'again', 'Run the failed again'), link = make('a', '', 'Report');
      again.type = 'button';
      again.addEventListener('click', () => askRetry(again));
      status.append(make('span'), make('span', 'under'));
      const picture = draw('svg', {'aria-hidden': 'true'});
      picture.append(draw('rect', {class: 'ground', width: '100%', height: '100%'}),
        ...['completed', 'failed', 'cancelled'].map(name => draw('rect', {class: name, height: '100%'})));
      progress.append(picture, make('span', 'under'));
      end.append(make('span'), make('span', 'under'));
      link.target = '_blank';
      link.rel = 'noopener noreferrer';
      last.append(releaseButton(askRelease), again, link);
      row.parts = [head, status, progress, end, deadline, last];
      return row.parts;
    },
    ([head, status, progress, end, deadline, last], burst) => {
      const isOver = ENDED.includes(burst.Status), counts = burst.Counts, chance = foreseen.get(burst.BurstId);
      fillHead(head, burst.BurstId, burst.Target === 'default' ? '' : burst.Target);
      setState(status.firstChild, burst.Status);
      const [main] = burst.Reasons ?? [];
      const why = burst.Error ? `${burst.Error.Code}: ${burst.Error.Message}`
        : main ? `${number(main.Count)} of ${number(counts.Failed)} failed with ${main.Code}: ${main.Message}` : '';
      set(status.lastChild, burst.CancelRequested && !isOver ? 'is being cancelled' : why || whyItWaits(burst));
      const total = Math.max(1, counts.Total - counts.Refused);
      let x = 0;
      ['Completed', 'Failed', 'Cancelled'].forEach((name, place) => {
        const bar = progress.firstChild.childNodes[place + 1], width = counts[name] / total * 100;
        bar.setAttribute('x', `${x.toFixed(2)}%`);
        bar.setAttribute('width', `${width.toFixed(2)}%`);
        x += width;
      });
      const bad = ['Failed', 'Cancelled', 'Refused'].filter(name => counts[name]);
      set(progress.lastChild, [`${number(counts.Completed)} of ${number(counts.Total)} completed`,
        ...bad.map(name => `${number(counts[name])} ${name.toLowerCase()}`)].join(', '));
      set(end.firstChild, moment(isOver ? burst.FinishedAt : burst.ExpectedEnd ?? chance?.FinishP50));
      set(end.lastChild, isOver ? 'ended' : chance ? `${moment(chance.FinishP95)} in 19 of 20 cases` : '');
      set(deadline, chance?.Deadline
        ? `${moment(chance.Deadline)}, chance ${Math.round((chance.ChanceToMeetDeadline ?? 0) * 100)}%` : '');
      last.firstChild.hidden = isOver;
      fillCancel(last, burst.BurstId, 'burst');
      fillRelease(last, burst.BurstId).hidden = !['HELD', 'WAITING_FOR_DATA'].includes(burst.Status);
      const again = last.querySelector('.again');
      again.hidden = !isOver || !counts.Failed;
      Object.assign(again.dataset, {id: burst.BurstId, revision: burst.Revision, failed: counts.Failed});
      again.setAttribute('aria-label', `Run the failed exports of ${burst.BurstId} again`);
      const report = burst.ReportDownloadUrl && new URL(burst.ReportDownloadUrl);
      last.lastChild.hidden = !report;
      if (report && ['https:', 'http:'].includes(report.protocol)) {
        last.lastChild.href = report.href;
        last.lastChild.setAttribute('aria-label', `Report of ${burst.BurstId}`);
      }
    });
  set($('bursts-note'), bursts.length ? '' : 'No burst runs, and none came in the last day.');
}

function showSchedules({Schedules: schedules}) {
  if (!schedules) return;
  const next = each => seconds(each.StartsAt) ?? Infinity;
  const found = [...schedules].sort((a, b) => next(a) - next(b) || (a.Name < b.Name ? -1 : 1));
  $('schedules-box').hidden = !found.length;
  rows($('schedules'), found, each => each.Name,
    row => {
      const run = cell();
      run.append(make('span'), make('span', 'under'));
      row.parts = [rowHead(), run, cell('wide'), cell('wide'), cell('wide')];
      return row.parts;
    },
    ([head, run, when, kind, status], each) => {
      const warnings = each.Warnings ?? [];
      fillHead(head, each.Name, warnings.join('. '));
      const isOn = each.State === 'ENABLED', start = seconds(each.StartsAt);
      set(run.firstChild, isOn ? moment(each.StartsAt, false) : 'disabled');
      set(run.lastChild, start && isOn ? `in ${length(start - now() / 1000)}` : '');
      const ready = each.ReadyBy && `ready by ${each.ReadyBy.Time}${each.ReadyBy.Days?.length < 7 ? ` ${each.ReadyBy.Days.join(', ')}` : ''}`;
      set(when, `${ready ?? each.ScheduleExpression ?? ''} ${each.ScheduleExpressionTimezone}`);
      set(kind, each.Kind.toLowerCase() + (each.Declared ? ', declared in a file' : ''));
      set(status, each.State.toLowerCase());
    });
  set($('schedules-note'), found.length ? '' : 'There are no schedules.');
}

function showErrors({Errors: errors}) {
  const text = errors.map(each => `${each.Message} (old or missing: ${each.Of.map(name => OF[name] ?? name).join(', ')})`).join('; ');
  alertOf('api', 'The API did not answer as it should', text);
}

// Says what a listener should know, once: nothing on the first reading, and never the ticking of times.
function tellChanges(reading) {
  const failed = reading.Failures?.Exports.length ?? 0;
  const ended = reading.Bursts.filter(burst => ENDED.includes(burst.Status)).map(burst => burst.BurstId);
  const paused = Boolean(reading.Capacity?.PausedUntil), before = state.announced;
  state.announced = {failed, ended, paused};
  if (!before) return;
  const said = reading.Bursts.filter(burst => ended.includes(burst.BurstId) && !before.ended.includes(burst.BurstId))
    .map(burst => `Burst ${burst.BurstId} ended: ${burst.Status.toLowerCase().replaceAll('_', ' ')}.`);
  if (failed > before.failed) said.push(`${count(failed - before.failed, 'more export')} failed.`);
  if (paused !== before.paused) said.push(paused ? 'Exports are paused.' : 'Exports start again.');
  if (said.length) announce(said.join(' '));
}

const sections = [showHead, showFailures, showSlots, showBacklog, showSingles, showBursts, showSchedules];

function show(reading) {
  for (const section of sections) section(reading);
  $('main').hidden = !reading.Slots && !reading.Capacity;
}

// ---- Polling

async function poll() {
  clearTimeout(state.timer);
  const query = state.target ? `?Target=${encodeURIComponent(state.target)}` : '';
  try {
    const answer = await fetch(`status${query}`, {headers: headers(state.tag ? {'If-None-Match': state.tag} : {})});
    if (answer.status === 401) {
      const said = await answer.json();
      return close(said.Message);
    }
    if (answer.status !== 304) {
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.Message);
      state.tag = answer.headers.get('ETag');
      state.reading = said;
      state.skew = said.Slots ? Date.parse(said.Slots.At) - Date.now() : state.skew;
      showErrors(said);
      tellChanges(said);
      show(said);
    }
    state.answeredAt = Date.now();
    set($('updated'), `as of ${moment(new Date(now()).toISOString())}`);
    alertOf('quiet', '', '');
  } catch (error) {
    const text = error instanceof TypeError ? '`snapshots open` does not answer; what is shown is old.' : error.message;
    alertOf('quiet', 'No answer', text);
  }
  state.timer = setTimeout(poll, document.hidden ? 5 * POLL : POLL);
  return undefined;
}

function close(reason) {
  state.reading = null;
  $('main').hidden = true;
  $('pause').hidden = $('resume').hidden = $('targets').hidden = true;
  set($('bad-news'), '');
  set($('news'), 'Start `snapshots open` and open the address that it prints.');
  alertOf('closed', 'This page is closed', reason);
}

function tick() {
  const silent = Date.now() - state.answeredAt;
  if (silent > QUIET && !document.hidden && state.reading) alertOf('quiet', 'No answer', `What is shown is ${length(Math.floor(silent / 10_000) * 10)} old.`);
  if (state.reading && !document.hidden && !calm.matches) showSlots(state.reading);
}

$('no').addEventListener('click', () => $('ask').close());
$('target').addEventListener('change', () => {
  Object.assign(state, {target: $('target').value, tag: null, lanes: [], announced: null});
  poll();
});
$('pause').addEventListener('click', () => question(
  `Pause target ${state.reading.Capacity.Target}?`,
  'Nothing new starts on it until the pause ends. What runs goes on, and what is accepted waits.',
  'Pause', () => ({Action: 'pause', Minutes: Number($('minutes').value), Target: state.reading.Capacity.Target}), true));
$('resume').addEventListener('click', () => question(
  `End the pause of target ${state.reading.Capacity.Target} now?`,
  'What waits starts at once, as far as slots are free.',
  'Resume', () => ({Action: 'resume', Target: state.reading.Capacity.Target})));
document.addEventListener('visibilitychange', () => document.hidden || poll());

setInterval(tick, 1000);
enter().then(poll, error => close(error.message));
