/** A self-signed certificate for loopback, made without any tool: DER by hand, signed with ECDSA P-256. */
import { generateKeyPairSync, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

const OID_ECDSA_SHA256 = '2a8648ce3d040302';
const OID_COMMON_NAME = '550403';
const OID_SUBJECT_ALT_NAME = '551d11';
const OID_BASIC_CONSTRAINTS = '551d13';

export function makeCertificate(commonName: string): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(tlv(0x06, hex(OID_ECDSA_SHA256)));
  const name = sequence(tlv(0x31, sequence(tlv(0x06, hex(OID_COMMON_NAME)), tlv(0x0c, Buffer.from(commonName)))));
  const validity = sequence(tlv(0x17, Buffer.from('200101000000Z')), tlv(0x17, Buffer.from('491231235959Z')));
  const altNames = sequence(tlv(0x87, Buffer.from([127, 0, 0, 1])), tlv(0x82, Buffer.from('localhost')));
  const extensions = sequence(
    sequence(tlv(0x06, hex(OID_SUBJECT_ALT_NAME)), tlv(0x04, altNames)),
    // A certificate that is its own authority.
    sequence(tlv(0x06, hex(OID_BASIC_CONSTRAINTS)), tlv(0x04, sequence(tlv(0x01, hex('ff'))))),
  );
  const body = sequence(
    tlv(0xa0, tlv(0x02, hex('02'))),
    tlv(0x02, hex('01')),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, extensions),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, algorithm, tlv(0x03, Buffer.concat([hex('00'), signature])));
  const base64 = certificate.toString('base64').replaceAll(/(.{64})/g, '$1\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function tlv(tag: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(value), value]);
}

function lengthOf({ byteLength }: Uint8Array): Buffer {
  if (byteLength < 0x80) {
    return Buffer.from([byteLength]);
  }
  return byteLength < 0x100 ? Buffer.from([0x81, byteLength]) : Buffer.from([0x82, byteLength >> 8, byteLength & 0xff]);
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
