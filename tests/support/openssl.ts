/** Certificates and TLS servers made with openssl, for what Deno's own server cannot show. */

export const hasOpenssl = await new Deno.Command("openssl", { args: ["version"] }).output().then(
  ({ success }) => success,
  () => false,
);

/** How to make a certificate. `days` may be negative: it has ended. */
export interface Wanted {
  readonly name: string;
  /** The name of its issuer, made before; null: it is self-signed. */
  readonly by: string | null;
  readonly days: number;
  /** Days until it begins; default: two days before it ends, or yesterday. */
  readonly from?: number;
  readonly isAuthority?: boolean;
  /** The name of another certificate whose key it has. */
  readonly keyOf?: string;
}

/** A temporary folder of certificates and keys: NAME.pem and NAME.key. */
export class CertificateFolder implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "nerve-openssl-" });

  async add({ name, by, days, from, isAuthority = false, keyOf }: Wanted): Promise<void> {
    const key = `${keyOf ?? name}.key`, curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    if (keyOf === undefined) await this.#run("genpkey", ...curve, "-out", key);
    const names = isAuthority ? "" : "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
    Deno.writeTextFileSync(`${this.path}/${name}.ext`, `basicConstraints=critical,CA:${isAuthority}\n${names}`);
    const subject = `/CN=${keyOf ?? name}`;
    await this.#run("req", "-new", "-key", key, "-subj", subject, "-out", `${name}.csr`);
    const end = toMoment(days, 1), start = toMoment(from ?? Math.min(0, days) - 2, 0);
    // In the versions that Debian has, only `openssl ca` takes both dates.
    Deno.writeTextFileSync(`${this.path}/index.txt`, "");
    const config = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nunique_subject=no\npolicy=p\n" +
      "default_md=sha256\nrand_serial=yes\n[p]\ncommonName=supplied\n";
    Deno.writeTextFileSync(`${this.path}/ca.cnf`, config);
    const signer = by === null ? ["-selfsign", "-keyfile", key] : ["-cert", `${by}.pem`, "-keyfile", `${by}.key`];
    await this.#run(
      ...["ca", "-batch", "-config", "ca.cnf", "-notext", "-in", `${name}.csr`],
      ...[...signer, "-extfile", `${name}.ext`, "-startdate", start, "-enddate", end, "-out", `${name}.pem`],
    );
  }

  read(name: string): string {
    return Deno.readTextFileSync(`${this.path}/${name}.pem`);
  }

  /** A server that shows the certificate `name` and sends `others` along, in that order. */
  async serve(name: string, others: readonly string[], ...args: string[]): Promise<{ port: number } & AsyncDisposable> {
    const chain = `${this.path}/${crypto.randomUUID()}.pem`;
    Deno.writeTextFileSync(chain, others.map((each) => this.read(each)).join(""));
    const along = others.length === 0 ? [] : ["-cert_chain", chain];
    const own = ["-cert", `${name}.pem`, "-key", `${name}.key`];
    const child = new Deno.Command("openssl", {
      args: ["s_server", "-accept", "127.0.0.1:0", ...own, ...along, ...args],
      cwd: this.path,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "", port: string | undefined;
    while (port === undefined) {
      const { value, done } = await output.read();
      if (done) throw new Error(`openssl ended: ${text}`);
      text += value;
      port = /ACCEPT \S+:(\d+)/.exec(text)?.[1];
    }
    return {
      port: Number(port),
      async [Symbol.asyncDispose]() {
        child.kill("SIGKILL");
        await child.stdin.close().catch(() => {});
        await output.cancel();
        await child.status;
      },
    };
  }

  async #run(...args: string[]): Promise<void> {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: this.path }).output();
    if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** YYYYMMDDHHMMSSZ, `days` and `hours` from now. */
function toMoment(days: number, hours: number): string {
  const at = new Date(Date.now() + days * 86_400_000 + hours * 3_600_000);
  return `${at.toISOString().replaceAll(/[-:T]|\.\d+Z/g, "")}Z`;
}
