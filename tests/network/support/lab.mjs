// Hosts of the tests' own, each a network namespace, and the router between them:
//
//   viewer 192.0.2.2 ------- 192.0.2.1 router 10.1.0.1 ------- 10.1.0.2 capture
//          (2001:db8:2::2)               203.0.113.1                  (2001:db8:1::2)
//                                             |
//                                        203.0.113.2 turn
//
// IPv6 is there where a test asks for it: everything would go by it otherwise. The router forwards
// everything until it is told rules. All is gone with the namespaces that tests/network/enter makes.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Each host but the router: its address and the router's on the same link. */
const HOSTS = {
  viewer: { addresses: ['192.0.2.2/24', '2001:db8:2::2/64'], gateways: ['192.0.2.1/24', '2001:db8:2::1/64'] },
  capture: { addresses: ['10.1.0.2/24', '2001:db8:1::2/64'], gateways: ['10.1.0.1/24', '2001:db8:1::1/64'] },
  turn: { addresses: ['203.0.113.2/24'], gateways: ['203.0.113.1/24'] },
};

/** The port of everything that the capture host serves. */
export const PORT = 8443;

const bare = (address) => address.split('/')[0];
const is6 = (address) => address.includes(':');
/** `ip addr add ...`: an IPv6 address is usable at once, without asking whether others have it. */
const add = (address, device) => `addr add ${address} dev ${device}${is6(address) ? ' nodad' : ''}`;

export class Lab {
  /** The hosts' addresses, IPv4. */
  viewer = bare(HOSTS.viewer.addresses[0]);
  capture = bare(HOSTS.capture.addresses[0]);
  turn = bare(HOSTS.turn.addresses[0]);
  /** The router's on the viewers' side: what the world sees of the capture host behind a NAT. */
  outside = bare(HOSTS.viewer.gateways[0]);
  /** The router's on the side of the TURN server, which is what that server sees of it. */
  beyond = bare(HOSTS.turn.gateways[0]);

  /** Makes the hosts, in place of those that an earlier test may have left. */
  constructor({ ipv6 = false } = {}) {
    if (!process.env.VITRINA_LAB) throw new Error('these tests are run by tests/network/enter');
    const hosts = ['router', ...Object.keys(HOSTS)];
    const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
    const left = hosts.filter((host) => new RegExp(`^${host}\\b`, 'm').test(names));
    ip([...left.map((host) => `netns del ${host}`), ...hosts.map((host) => `netns add ${host}`)]);
    for (const host of hosts) {
      ip(['link set lo up'], host);
      // Else each link's own IPv6 address comes a second or two later, for Chromium a change of network:
      // it ends what it is loading.
      write(host, '/proc/sys/net/ipv6/conf/default/accept_dad', 0);
    }
    write('router', '/proc/sys/net/ipv4/ip_forward', 1);
    write('router', '/proc/sys/net/ipv6/conf/all/forwarding', 1);
    const wanted = (address) => ipv6 || !is6(address);
    for (const [host, { addresses, gateways }] of Object.entries(HOSTS)) {
      ip([`link add ${host} type veth peer name eth0 netns ${host}`, `link set ${host} up`], 'router');
      ip(gateways.filter(wanted).map((address) => add(address, host)), 'router');
      ip(['link set eth0 up', ...addresses.filter(wanted).flatMap((address, at) => given(address, gateways[at]))], host);
    }
  }

  /** What a command begins with that runs on that host. */
  on(host) {
    return ['ip', 'netns', 'exec', host];
  }

  /** Gives the router these rules, in nft's words, in place of what it had. */
  rules(text) {
    execFileSync('ip', ['netns', 'exec', 'router', 'nft', '-f', '-'], { input: `flush ruleset\n${text}` });
  }

  /** Says on every host whose name that is, in place of who had it. */
  name(name, address) {
    // Which is /etc/hosts here: see tests/network/enter.
    writeFileSync('/run/hosts', `127.0.0.1 localhost\n${address} ${name}\n`);
  }

  /** Takes a host's IPv4 address and gives it another, as a new lease or another network does. */
  move(host, address) {
    const { addresses, gateways } = HOSTS[host];
    ip([`addr del ${this[host]}/24 dev eth0`, ...given(`${address}/24`, gateways[0])], host);
    addresses[0] = `${address}/24`;
    this[host] = address;
  }
}

/** An address and the way from it. */
function given(address, gateway) {
  return [add(address, 'eth0'), `route replace ${is6(address) ? '::/0' : 'default'} via ${bare(gateway)}`];
}

/** Carries out lines of `ip` on a host, or where the tests run. */
function ip(lines, host) {
  const where = host ? ['-n', host] : [];
  execFileSync('ip', [...where, '-batch', '-'], { input: lines.join('\n'), encoding: 'utf8' });
}

function write(host, path, value) {
  execFileSync('ip', ['netns', 'exec', host, 'sh', '-c', `echo ${value} > ${path}`]);
}

/** A router that lets the capture host out and nobody in but by what it forwards: one port. */
export function oneWay(lab, { protocols = ['tcp', 'udp'] } = {}) {
  lab.rules(`
table inet lab {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ${protocols.includes('udp') ? '' : 'meta l4proto udp drop'}
    ct state established,related accept
    iifname "capture" accept
    ct status dnat accept
  }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    iifname "viewer" ip daddr { ${lab.outside}, ${lab.beyond} } meta l4proto { ${protocols.join(', ')} } th dport ${PORT} dnat ip to ${lab.capture}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname { "viewer", "turn" } masquerade
  }
}`);
}

/** A router that lets the viewer reach the page, by TCP, and the TURN server's one port, and nothing else. */
export function onlyRelayed(lab, { protocols = ['tcp', 'udp'] } = {}) {
  lab.rules(`
table inet lab {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "viewer" oifname "capture" tcp dport ${PORT} accept
    iifname "viewer" oifname "turn" meta l4proto { ${protocols.join(', ')} } th dport 3478 accept
    iifname "turn" oifname "capture" meta l4proto udp accept
    iifname "capture" oifname "turn" meta l4proto udp accept
  }
}`);
}

/** A router that lets no UDP through. */
export function noUdp(lab) {
  lab.rules(`
table inet lab {
  chain forward {
    type filter hook forward priority filter; policy accept;
    meta l4proto udp drop
  }
}`);
}

/** coturn on its host, with a shared secret; relays to the capture host alone. */
export async function coturn(stage, lab, { secret, options = [] }) {
  const folder = stage.folder();
  const file = join(folder, 'turnserver.conf');
  const lines = [
    `listening-ip=${lab.turn}`,
    'use-auth-secret',
    `static-auth-secret=${secret}`,
    'realm=lab',
    `userdb=${join(folder, 'turndb')}`,
    `pidfile=${join(folder, 'pid')}`,
    'log-file=stdout',
    'simple-log',
    'verbose',
    'no-tls',
    'no-dtls',
    'no-cli',
    'denied-peer-ip=0.0.0.0-255.255.255.255',
    `allowed-peer-ip=${lab.capture}`,
    ...options,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const program = stage.program('ip', ['netns', 'exec', 'turn', 'turnserver', '-c', file], { name: 'coturn' });
  await program.line(/IPv4. UDP listener opened on: .*:3478/);
  return program;
}
