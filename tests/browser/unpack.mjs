// Unpacks the Chromium of node_modules into the folder that is named: chromium, lib/, fonts/.
// Its own launcher would do so at each start, and brings a way of its own to be driven.
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';

const packed = new URL('node_modules/@sparticuz/chromium/bin/', import.meta.url);
const target = resolve(process.argv[2]);

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const name of ['chromium', 'al2023.tar', 'fonts.tar']) {
  const source = createReadStream(new URL(`${name}.br`, packed));
  if (!name.endsWith('.tar')) {
    await pipeline(source, createBrotliDecompress(), createWriteStream(`${target}/${name}`, { mode: 0o755 }));
    continue;
  }
  const tar = spawn('tar', ['-x', '-C', target], { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(tar, 'close');
  await pipeline(source, createBrotliDecompress(), tar.stdin);
  const [code] = await ended;
  if (code !== 0) process.exit(1);
}

// The one in the package looks for fonts where AWS Lambda would unpack them.
writeFileSync(`${target}/fonts.conf`, `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${target}/fonts</dir><cachedir>${target}/cache</cachedir></fontconfig>
`);
