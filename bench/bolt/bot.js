// The bot that the benchmark compares with: a renewal as one would write it first with
// Bolt for JavaScript. It keeps everything in memory, trusts what it is told, and reads
// less of the panel than the real one: no list of licences, and nothing again before
// the call.
//
//   npm install --no-save @slack/bolt@5.1.0 fast-xml-parser@5
//   BENCH_BOT="node bolt/bot.js" go test . -run '^$' -bench . -benchtime 10s

const http = require('http');
const { App, HTTPReceiver } = require('@slack/bolt');
const { XMLParser } = require('fast-xml-parser');

const env = process.env;
const xml = new XMLParser({ ignoreAttributes: false, parseTagValue: false });
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const panelURL = new URL(env.ISPLICENSE_URL);

function panel(func, params) {
  const body = new URLSearchParams({
    func, out: 'xml', lang: 'en', authinfo: `${env.ISPLICENSE_USER}:${env.ISPLICENSE_PASSWORD}`, ...params,
  }).toString();
  return new Promise((resolve, reject) => {
    const req = http.request(panelURL, {
      method: 'POST', agent,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body) },
    }, (res) => {
      let answer = '';
      res.setEncoding('utf8');
      res.on('data', (part) => { answer += part; });
      res.on('end', () => {
        try { resolve(xml.parse(answer).doc); } catch (e) { reject(e); }
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

function card(r, state, buttons) {
  const fields = ['after', 'price', 'balance', 'by'].map((f) => ({ type: 'mrkdwn', text: `*${f}*\n${r[f] || '—'}` }));
  const blocks = [
    { type: 'section', text: { type: 'mrkdwn', text: `*Renew ${r.code}*` } },
    { type: 'section', fields },
    { type: 'context', elements: [{ type: 'mrkdwn', text: state }] },
  ];
  if (buttons) {
    const button = (id, text) => ({ type: 'button', action_id: id, value: r.id, text: { type: 'plain_text', text } });
    blocks.push({ type: 'actions', elements: [button('confirm', 'Confirm'), button('cancel', 'Cancel')] });
  }
  return { text: `Renew ${r.code}: ${state}`, blocks };
}

const receiver = new HTTPReceiver({
  signingSecret: env.SLACK_SIGNING_SECRET,
  endpoints: ['/slack/commands', '/slack/interactions'],
  customRoutes: [{ path: '/readyz', method: ['GET'], handler: (req, res) => res.end('ready') }],
});
const app = new App({ token: env.SLACK_BOT_TOKEN, receiver, clientOptions: { slackApiUrl: env.SLACK_API_URL }, logLevel: 'error' });
const requests = new Map();

app.command('/license', async ({ command, ack, client }) => {
  await ack();
  const code = command.text.split(' ')[1];
  const [preview, info] = await Promise.all([panel('service.prolong', { elid: code, period: '1' }), panel('dashboard.info', {})]);
  const r = {
    id: String(requests.size + 1), code, by: `<@${command.user_id}>`,
    after: preview.newexpiredate, price: preview.orderinfo, balance: info.elem && info.elem.balance,
  };
  requests.set(r.id, r);
  await client.chat.postMessage({ channel: command.channel_id, ...card(r, 'waits for confirmation', true) });
});

app.action('confirm', async ({ body, action, ack, client }) => {
  await ack();
  const r = requests.get(action.value);
  if (!r || r.decided) return;
  r.decided = true;
  const message = { channel: body.channel.id, ts: body.message.ts };
  const shown = client.chat.update({ ...message, ...card(r, 'running', false) });
  await panel('service.prolong', { elid: r.code, period: '1', sok: 'ok' });
  await shown;
  await Promise.all([
    client.chat.update({ ...message, ...card(r, 'done', false) }),
    client.chat.postMessage({ channel: message.channel, thread_ts: message.ts, text: `${r.code} was renewed` }),
  ]);
});

process.on('SIGTERM', () => process.exit(0));
const [host, port] = env.HTTP_ADDR.split(':');
app.start({ host, port: Number(port) });
