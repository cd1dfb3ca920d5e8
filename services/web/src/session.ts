/**
 * Who is signed in, on a stage that asks: by code and PKCE (RFC 7636) at the user pool's own pages.
 * Tokens live as long as the tab does; no script but ours runs here that could read them.
 */
import { reactive, readonly } from "vue";
import { Problem } from "./problem";

/** Where people sign in; config.json has it where the stage asks who calls. */
export interface SignIn {
  address: string;
  client: string;
  scope: string;
  /** This page's own address, as the user pool knows it. */
  redirect: string;
}

interface Tokens {
  access: string;
  id: string;
  refresh: string;
  /** ms since 1970, by this machine's clock. */
  expires: number;
}

interface Session {
  /** Whether the stage asks at all. */
  asked: boolean;
  owner: string | null;
  name: string;
  operator: boolean;
}

const TOKENS = "darkroom-tokens";
const BEGUN = "darkroom-sign-in";
const OPERATORS = "operators";
/** ms before its end that a token is not worth sending any more. */
const MARGIN = 60_000;
const DRAWN = 32;

const state = reactive<Session>({ asked: false, owner: null, name: "", operator: true });
/** Where nobody is asked who they are, everybody may do everything. */
export const session = readonly(state);

let signIn: SignIn | undefined;
let refreshing: Promise<Tokens | null> | null = null;

/** Take up the session of this tab, or the one that the sign-in pages have just sent us back with. */
export async function begin(configured: SignIn | undefined): Promise<void> {
  signIn = configured;
  if (!signIn) return;
  Object.assign(state, { asked: true, operator: false });
  show(kept());
  const said = new URLSearchParams(location.search);
  if (said.has("state") && (said.has("code") || said.has("error"))) await comeBack(said);
}

/** The header that says who asks; empty where nobody does. */
export async function authorization(): Promise<Record<string, string>> {
  if (!signIn) return {};
  const tokens = kept();
  const fresh = tokens && tokens.expires - MARGIN < Date.now() ? await refresh(tokens) : tokens;
  if (!fresh) throw new Problem(401, "not-signed-in", "You are not signed in any more.");
  return { authorization: `Bearer ${fresh.access}` };
}

/** Go to the sign-in pages; they send us back to where we are. */
export async function enter(): Promise<void> {
  if (!signIn) return;
  const begun = { verifier: drawn(), state: drawn(), search: location.search };
  sessionStorage.setItem(BEGUN, JSON.stringify(begun));
  go("/oauth2/authorize", {
    response_type: "code",
    client_id: signIn.client,
    redirect_uri: signIn.redirect,
    scope: signIn.scope,
    state: begun.state,
    code_challenge_method: "S256",
    code_challenge: encoded(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(begun.verifier))),
  });
}

/** Forget everything here, and at the sign-in pages too. */
export function leave(): void {
  if (!signIn) return;
  keep(null);
  go("/logout", { client_id: signIn.client, logout_uri: signIn.redirect });
}

/** The API no longer takes what we have. */
export function expire(): void {
  keep(null);
}

async function comeBack(said: URLSearchParams): Promise<void> {
  const begun = JSON.parse(sessionStorage.getItem(BEGUN) ?? "{}") as Record<string, string>;
  sessionStorage.removeItem(BEGUN);
  // The code is used up or void from now on: neither a reload nor the history should show it.
  history.replaceState(null, "", location.pathname + (begun["search"] ?? ""));
  dispatchEvent(new PopStateEvent("popstate"));
  if (!begun["state"] || said.get("state") !== begun["state"]) {
    throw new Problem(400, "sign-in", "This sign-in was not begun here. Sign in anew.");
  }
  const code = said.get("code");
  if (!code) throw new Problem(400, "sign-in", said.get("error_description") ?? "The sign-in was not completed.");
  const tokens = await ask({ grant_type: "authorization_code", code, code_verifier: begun["verifier"] ?? "" });
  if (!tokens) throw new Problem(400, "sign-in", "The sign-in was refused. Sign in anew.");
}

/** One at a time: a refresh token works once. */
function refresh({ refresh: refresh_token }: Tokens): Promise<Tokens | null> {
  refreshing ??= ask({ grant_type: "refresh_token", refresh_token }).finally(() => (refreshing = null));
  return refreshing;
}

/** New tokens, kept; null if they were refused. */
async function ask(grant: Record<string, string>): Promise<Tokens | null> {
  const { address, client: client_id, redirect: redirect_uri } = signIn as SignIn;
  const body = new URLSearchParams({ client_id, redirect_uri, ...grant });
  const answer = await fetch(`${address}/oauth2/token`, { method: "POST", body }).catch(() => null);
  if (!answer) throw new Problem(0, "unreachable", "The sign-in cannot be reached. Are you online?");
  if (!answer.ok) return keep(null);
  const said = (await answer.json()) as { access_token: string; id_token: string; refresh_token?: string; expires_in: number };
  return keep({
    access: said.access_token,
    id: said.id_token,
    refresh: said.refresh_token ?? grant["refresh_token"] ?? "",
    expires: Date.now() + said.expires_in * 1000,
  });
}

function kept(): Tokens | null {
  return JSON.parse(sessionStorage.getItem(TOKENS) ?? "null") as Tokens | null;
}

function keep(tokens: Tokens | null): Tokens | null {
  if (tokens) sessionStorage.setItem(TOKENS, JSON.stringify(tokens));
  else sessionStorage.removeItem(TOKENS);
  show(tokens);
  return tokens;
}

/** For the eye alone: what somebody may do is the API's to say, which checks the token. */
function show(tokens: Tokens | null): void {
  const claims = tokens ? claimsOf(tokens.access) : {};
  const groups = (claims["cognito:groups"] ?? []) as string[];
  state.owner = (claims["sub"] as string | undefined) ?? null;
  state.operator = groups.includes(OPERATORS);
  state.name = tokens ? String(claimsOf(tokens.id)["email"] ?? state.owner) : "";
}

function claimsOf(token: string): Record<string, unknown> {
  const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(payload), (one) => one.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

function go(path: string, said: Record<string, string>): void {
  location.assign(`${signIn?.address}${path}?${new URLSearchParams(said)}`);
}

const drawn = (): string => encoded(crypto.getRandomValues(new Uint8Array(DRAWN)).buffer);

/** Base64url without padding, as RFC 7636 wants it. */
function encoded(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
