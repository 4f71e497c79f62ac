/** Questions and answers between the run and one of its processes; several at a time, each with a deadline. */
import type { ChildProcess } from 'node:child_process';
import { flushCompileCache } from 'node:module';

/** A table of commands: what each is given, and what it answers. */
export type CommandTable = Readonly<Record<string, { readonly given: unknown; readonly answer: unknown }>>;

interface Question {
  readonly id: number;
  readonly command: string;
  readonly given: unknown;
}

type Reply =
  | { readonly id: number; readonly type: 'done'; readonly answer: unknown }
  | { readonly id: number; readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly id: null; readonly type: 'news'; readonly news: unknown };

/** The process said that the command failed. */
export class CommandError extends Error {
  /** That of the library's error; empty for any other one. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The side that asks. */
export class Asker<Commands extends CommandTable> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply | null) => void>();
  #count = 0;

  /** `onNews` hears what the process says unasked. */
  constructor(child: ChildProcess, onNews: (news: unknown) => void = () => undefined) {
    this.#child = child;
    child.on('message', (reply: Reply) => {
      if (reply.id === null) onNews(reply.news);
      else this.#waiting.get(reply.id)?.(reply);
    });
    child.on('exit', () => {
      for (const settle of this.#waiting.values()) settle(null);
    });
    // A process that dies while it is written to: its exit says so.
    child.on('error', () => undefined);
  }

  /** @throws CommandError when it failed there; Error when the process ended or did not answer in time */
  async ask<Name extends keyof Commands & string>(
    command: Name,
    given: Commands[Name]['given'],
    timeoutMs: number,
  ): Promise<Commands[Name]['answer']> {
    if (!this.#child.connected) throw new Error(`'${command}': the process is gone`);
    this.#count += 1;
    const id = this.#count;
    const reply = await new Promise<Reply | null | 'late'>((resolve) => {
      const timer = setTimeout(() => resolve('late'), timeoutMs);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      const question: Question = { id, command, given };
      this.#child.send(question, () => undefined);
    });
    this.#waiting.delete(id);
    if (reply === 'late') throw new Error(`'${command}': no answer within ${timeoutMs} ms`);
    if (reply === null || reply.type === 'news') throw new Error(`'${command}': the process ended before it answered`);
    if (reply.type === 'failed') throw new CommandError(reply.code, `'${command}': ${reply.message}`);
    return reply.answer;
  }
}

export type CommandHandlers<Commands extends CommandTable> = {
  readonly [Name in keyof Commands]: (given: Commands[Name]['given']) => Promise<Commands[Name]['answer']>;
};

/** The side that answers. Ends its process when the run is gone, and leaves Ctrl-C to the run. */
export function answerCommands<Commands extends CommandTable>(handlers: CommandHandlers<Commands>): void {
  // A process that is killed would not leave to the next ones what it has compiled.
  flushCompileCache();
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.once('disconnect', () => process.exit());
  process.on('message', (question: Question) => {
    void answer(handlers, question).then((reply) => say(reply));
  });
}

/** Tells the run something unasked. */
export function sayNews(news: unknown): void {
  say({ id: null, type: 'news', news });
}

function say(reply: Reply): void {
  // The run may be gone: then this process ends, too.
  if (process.connected) process.send?.(reply, () => undefined);
}

async function answer<Commands extends CommandTable>(
  handlers: CommandHandlers<Commands>,
  { id, command, given }: Question,
): Promise<Reply> {
  try {
    const handler = handlers[command];
    if (handler === undefined) throw new Error(`there is no command '${command}'`);
    return { id, type: 'done', answer: await handler(given) };
  } catch (error) {
    const code = (error as { readonly code?: unknown } | null)?.code;
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { id, type: 'failed', code: typeof code === 'string' ? code : '', message };
  }
}
