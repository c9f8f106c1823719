export interface About {
  readonly step?: string | undefined;
  /** The id of the message it answers. */
  readonly replyTo?: string | undefined;
  /** Asks the recipient to acknowledge it. */
  readonly asksForAck?: boolean | undefined;
}

export interface InboxOptions {
  /** Maximum number of messages. Default: 1,000. */
  readonly limit?: number;
}

export interface SentMessage {
  readonly id: string;
  /** ISO 8601, by the store's clock. */
  readonly sentAt: string;
}

export interface Message {
  readonly id: string;
  readonly from: string;
  /** To this agent alone, or to all. */
  readonly kind: 'direct' | 'broadcast';
  readonly message: string;
  readonly sentAt: string;
  readonly step: string | null;
  readonly replyTo: string | null;
}

export interface NewMail {
  readonly messages: readonly Message[];
  /**
   * Call this once you have dealt with them. `false`: other processes are reading the same mailbox,
   * so some may reappear.
   */
  markSeen(): Promise<boolean>;
}

export interface OutboxOptions {
  /** Milliseconds back from now. Default: one day. */
  readonly sinceMs?: number | undefined;
}

/** A message this agent sent, and what became of it. */
export interface SentState {
  readonly id: string;
  /** `null`: all agents. */
  readonly to: string | null;
  readonly message: string;
  readonly sentAt: string;
  readonly step: string | null;
  readonly asksForAck: boolean;
  readonly seenBy: readonly string[];
  /** Who acknowledged or answered it, and when first. */
  readonly ackedBy: readonly { readonly agent: string; readonly at: string }[];
}
