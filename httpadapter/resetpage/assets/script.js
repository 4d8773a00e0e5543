// This script makes the page easier to use. Every form works without it.
'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const say = (text) => { const live = $('live'); live.textContent = ''; setTimeout(() => { live.textContent = text; }, 50); };
  let stop = []; // functions to call when the content changes

  // While a form is being sent, its button ignores a second click.
  const busy = (button, on, label) => {
    if (!button) return;
    if (on) { button.dataset.label = button.textContent; if (label) button.textContent = label; } else if (button.dataset.label) button.textContent = button.dataset.label;
    if (on) button.setAttribute('aria-busy', 'true'); else button.removeAttribute('aria-busy');
  };
  const once = (form) => form.addEventListener('submit', (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = '1';
    busy(event.submitter, true);
    setTimeout(() => { delete form.dataset.sent; busy(event.submitter, false); }, 8000); // the person may have stopped the request
  });
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

  // A rough estimate of a password's strength, in bits: the server decides.
  const common = /password|passwort|qwert|asdf|zxcv|1q2w|qaz|abc|iloveyou|letmein|welcome|admin|login|monkey|dragon|football|sunshine|princess|master|woaini|mima|19[5-9]\d|20[0-3]\d|12345\d*|98765\d*|(\d)\1{2,}|(.)\2{2,}/gi;
  const bits = (password) => {
    const plain = password.replace(/[4@]/g, 'a').replace(/3/g, 'e').replace(/[1!|]/g, 'i').replace(/0/g, 'o').replace(/[$5]/g, 's').replace(/7/g, 't');
    let rest = password.replace(common, '~');
    const other = plain.replace(common, '~');
    if (other.length < rest.length) rest = other;
    // Repetitions and sequences of neighbours add little.
    let length = 0;
    for (let i = 0; i < rest.length; i++) {
      const step = i ? Math.abs(rest.charCodeAt(i) - rest.charCodeAt(i - 1)) : 9;
      length += step <= 1 ? 0.3 : rest.slice(0, i).includes(rest.slice(i, i + 3)) && i + 3 <= rest.length ? 0.3 : 1;
    }
    const kinds = (/[a-z]/.test(rest) ? 26 : 0) + (/[A-Z]/.test(rest) ? 26 : 0) + (/\d/.test(rest) ? 10 : 0) + (/[ -\/:-@[-`{-~]/.test(rest) ? 33 : 0) + (/[^\0-~]/.test(rest) ? 200 : 0);
    // Words count less than the same number of random letters.
    return length * Math.log2(Math.max(kinds, 2)) * (/^[a-z]{0,15}\d{0,4}[!.?]?$/i.test(rest) ? 0.6 : 0.8);
  };
  const strength = () => {
    const input = $('password'), meter = $('strength'), says = $('strength-says');
    if (!input || !meter) return;
    const least = Number(input.minLength) > 0 ? input.minLength : 8;
    let timer = 0;
    const judge = () => {
      const value = input.value.normalize('NFC');
      meter.hidden = value === '';
      if (meter.hidden) { says.textContent = ''; return; }
      const number = (input.dataset.number || '').replace(/\D/g, '').slice(-8);
      const b = number.length > 5 && value.includes(number) ? 0 : bits(value);
      const short = [...value].length < least;
      const level = short || b < 24 ? 0 : b < 38 ? 1 : b < 56 ? 2 : 3;
      meter.dataset.level = level;
      says.textContent = short ? meter.dataset.short : meter.dataset[level];
      clearTimeout(timer);
      timer = setTimeout(() => say(says.textContent), 900); // not at every key
    };
    input.addEventListener('input', judge);
    judge();
    stop.push(() => clearTimeout(timer));
  };

  const show = () => {
    const input = $('password'), button = $('show');
    if (!input || !button) return;
    button.hidden = false;
    button.addEventListener('click', () => {
      const shown = input.type === 'text';
      input.type = shown ? 'password' : 'text';
      button.setAttribute('aria-pressed', String(!shown));
      button.textContent = shown ? button.dataset.show : button.dataset.hide;
      input.focus();
    });
  };

  const resend = () => {
    const form = $('resend'), wait = $('resend-wait');
    if (!form) return;
    const button = form.querySelector('button');
    const until = Date.now() + Number(form.dataset.wait) * 1000;
    if (!(Number(form.dataset.wait) > 0)) return;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      if (left <= 0) {
        clearInterval(timer);
        button.disabled = false;
        button.removeAttribute('aria-describedby');
        wait.textContent = '';
        say(form.dataset.ready);
        return;
      }
      const d = form.dataset;
      const [text, n] = left > 7200 ? [d.hours, left / 3600] : left > 120 ? [d.minutes, left / 60] : [d.seconds, left];
      wait.textContent = d.in.replace('{wait}', text.replace('{n}', Math.ceil(n)));
    };
    button.disabled = true;
    const timer = setInterval(tick, 1000);
    stop.push(() => clearInterval(timer));
    tick();
  };

  // The browser offers the code from the text message, if its last line names this site (WebOTP).
  const otp = () => {
    const input = $('code');
    if (!input || !('OTPCredential' in window) || !navigator.credentials) return;
    const abort = new AbortController();
    stop.push(() => abort.abort());
    input.addEventListener('input', () => abort.abort(), { once: true });
    navigator.credentials.get({ otp: { transport: ['sms'] }, signal: abort.signal }).then((got) => {
      if (!got || !got.code || abort.signal.aborted) return;
      input.value = got.code;
      say(input.dataset.filled);
      const password = $('password');
      if (password && !password.value) password.focus();
    }).catch(() => { /* no code came, or the person refused: they type it */ });
  };

  // The code step's forms are sent in the background, so that an answer does not empty the password.
  const background = (form, action) => form && form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = '1';
    const button = form.querySelector('[name=action]');
    busy(button, true, form.dataset.busy);
    const sent = { code: $('code').value, password: $('password').value };
    const body = new URLSearchParams(new FormData(form));
    body.set('action', action);
    const request = new XMLHttpRequest();
    request.open('POST', form.getAttribute('action')); // form.action is the button of that name
    request.responseType = 'document';
    request.timeout = 60000;
    request.onerror = request.ontimeout = () => {
      delete form.dataset.sent;
      busy(button, false);
      let alert = $('offline');
      if (!alert) {
        alert = document.createElement('p');
        alert.id = 'offline';
        alert.className = 'alert';
        alert.setAttribute('role', 'alert');
        $('reset').before(alert);
      }
      alert.textContent = $('reset').dataset.offline;
    };
    request.onload = () => {
      const page = request.response, step = page && page.getElementById('main') ? page.body.dataset.step : '';
      if (!step) { request.onerror(); return; }
      if (step !== 'code' && step !== 'notice') {
        location.replace(request.responseURL); // password managers see that the form is done
        return;
      }
      // Text that the person typed while the answer was on its way stays, and so does the password.
      const typed = { code: $('code').value, password: $('password').value };
      const at = document.activeElement && document.activeElement.id;
      swap(page);
      for (const id of ['code', 'password']) {
        const input = $(id), newer = typed[id] !== sent[id];
        if (!input || !typed[id] || id === 'code' && !newer) continue;
        input.value = typed[id];
        input.dispatchEvent(new Event('input'));
        if (newer && at === id) input.focus();
      }
    };
    request.send(body);
  });
  const swap = (page) => {
    stop.forEach((end) => end());
    stop = [];
    $('main').replaceWith(document.importNode(page.getElementById('main'), true));
    document.body.dataset.step = page.body.dataset.step;
    document.title = page.title;
    start();
    focus();
  };

  // Focus the input that is wrong, or the page's message.
  const focus = () => {
    const target = document.querySelector('[aria-invalid]') || document.querySelector('#fault, [role=status].alert') || document.querySelector('h1');
    if (target) {
      if (!target.matches('input')) target.tabIndex = -1;
      target.focus();
      if (target.matches('#code, #mobile')) target.select();
    }
  };

  let policy;
  const trust = (url) => {
    if (!window.trustedTypes) return url;
    policy ??= trustedTypes.createPolicy('rekey', { createScriptURL: (s) => s });
    return policy.createScriptURL(url);
  };
  const solve = () => {
    const form = $('solve');
    if (!form) return;
    form.hidden = false;
    const again = $('solve-start'), working = $('working'), failed = $('solve-failed');
    const fail = () => {
      working.hidden = true;
      failed.textContent = form.dataset.failed;
      failed.hidden = false;
      again.hidden = false;
    };
    const run = () => {
      again.hidden = failed.hidden = true;
      working.hidden = false;
      let challenge;
      try { challenge = JSON.parse(form.dataset.challenge); } catch (_) { fail(); return; }
      if (!window.Worker || !window.isSecureContext) { fail(); return; }
      const url = trust(form.dataset.worker);
      const count = Math.min(4, navigator.hardwareConcurrency || 1), workers = [];
      let ended = false;
      // End all workers: without an answer, the others would search for ever.
      const end = () => { ended = true; workers.forEach((w) => w.terminate()); };
      const lost = () => { if (!ended) { end(); fail(); } };
      stop.push(end);
      for (let i = 0; i < count && !ended; i++) {
        const worker = new Worker(url);
        workers.push(worker);
        worker.onerror = lost;
        worker.onmessage = ({ data }) => {
          if (ended) return;
          if (!data.token) { lost(); return; }
          end();
          form.elements.captcha_token.value = data.token;
          form.submit();
        };
        worker.postMessage({ challenge, first: i, step: count });
      }
    };
    again.addEventListener('click', run);
    if ('waitForPerson' in form.dataset) { again.hidden = false; } else run();
  };

  const start = () => { strength(); show(); resend(); otp(); solve(); background($('reset'), 'reset'); background($('resend'), 'send'); };
  document.querySelectorAll('form:not(#reset, #resend, #solve)').forEach(once);
  start();
  if (document.querySelector('[aria-invalid], #fault, [role=status].alert')) focus();
})();
