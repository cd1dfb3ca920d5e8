/**
 * The session of a signed-in user: authorization code and PKCE (RFC 7636) with the user pool's pages.
 * Tokens are stored for the life of the tab. No other script can read them, because none may run.
 */
import { reactive, readonly } from "vue";
import { Problem } from "./problem";

/** The user pool's client. config.json has it on stages with authentication. */
export interface SignIn {
  address: string;
  client: string;
  scope: string;
  /** This page's address, as it is registered with the user pool. */
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
  /** Whether the stage has authentication. */
  required: boolean;
  owner: string | null;
  name: string;
  operator: boolean;
}

const TOKENS = "darkroom-tokens";
const PENDING = "darkroom-sign-in";
const OPERATORS = "operators";
/** ms before its expiry at which a token is refreshed. */
const MARGIN = 60_000;
/** Bytes of a random verifier or state. */
const RANDOM_BYTES = 32;

const state = reactive<Session>({ required: false, owner: null, name: "", operator: true });
/** Without authentication, everyone has an operator's rights. */
export const session = readonly(state);

let signIn: SignIn | undefined;
let refreshing: Promise<Tokens | null> | null = null;

/** Restore this tab's session, or complete a sign-in that has just redirected back. */
export async function initialize(configured: SignIn | undefined): Promise<void> {
  signIn = configured;
  if (!signIn) return;
  Object.assign(state, { required: true, operator: false });
  show(storedTokens());
  const parameters = new URLSearchParams(location.search);
  if (parameters.has("state") && (parameters.has("code") || parameters.has("error"))) await completeSignIn(parameters);
}

/** The authorization header; empty without authentication. */
export async function authorization(): Promise<Record<string, string>> {
  if (!signIn) return {};
  const tokens = storedTokens();
  const fresh = tokens && tokens.expires - MARGIN < Date.now() ? await refresh(tokens) : tokens;
  if (!fresh) throw new Problem(401, "unauthenticated", "Your session has ended. Sign in again.");
  return { authorization: `Bearer ${fresh.access}` };
}

/** Go to the sign-in pages. They redirect back to this address. */
export async function signInHere(): Promise<void> {
  if (!signIn) return;
  const pending = { verifier: randomText(), state: randomText(), search: location.search };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  go("/oauth2/authorize", {
    response_type: "code",
    client_id: signIn.client,
    redirect_uri: signIn.redirect,
    scope: signIn.scope,
    state: pending.state,
    code_challenge_method: "S256",
    code_challenge: encoded(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier))),
  });
}

/** Delete the tokens, and end the session at the sign-in pages. */
export function signOut(): void {
  if (!signIn) return;
  storeTokens(null);
  go("/logout", { client_id: signIn.client, logout_uri: signIn.redirect });
}

/** The API refused the token. */
export function expire(): void {
  storeTokens(null);
}

async function completeSignIn(parameters: URLSearchParams): Promise<void> {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "{}") as Record<string, string>;
  sessionStorage.removeItem(PENDING);
  // A code works once. Remove it from the address, so that a reload does not send it again.
  history.replaceState(null, "", location.pathname + (pending["search"] ?? ""));
  dispatchEvent(new PopStateEvent("popstate"));
  if (!pending["state"] || parameters.get("state") !== pending["state"]) {
    throw new Problem(400, "sign-in", "This sign-in was not started here. Sign in again.");
  }
  const code = parameters.get("code");
  if (!code) throw new Problem(400, "sign-in", parameters.get("error_description") ?? "The sign-in was not completed.");
  const tokens = await requestTokens({ grant_type: "authorization_code", code, code_verifier: pending["verifier"] ?? "" });
  if (!tokens) throw new Problem(400, "sign-in", "The sign-in was refused. Sign in again.");
}

/** Refresh the tokens; one request at a time, because a refresh token works once. */
function refresh({ refresh: refresh_token }: Tokens): Promise<Tokens | null> {
  refreshing ??= requestTokens({ grant_type: "refresh_token", refresh_token }).finally(() => (refreshing = null));
  return refreshing;
}

/** Request tokens and store them; null if the grant is refused. */
async function requestTokens(grant: Record<string, string>): Promise<Tokens | null> {
  const { address, client: client_id, redirect: redirect_uri } = signIn as SignIn;
  const body = new URLSearchParams({ client_id, redirect_uri, ...grant });
  const response = await fetch(`${address}/oauth2/token`, { method: "POST", body }).catch(() => null);
  if (!response) throw new Problem(0, "unreachable", "The sign-in page cannot be reached. Are you online?");
  if (!response.ok) return storeTokens(null);
  const granted = (await response.json()) as { access_token: string; id_token: string; refresh_token?: string; expires_in: number };
  return storeTokens({
    access: granted.access_token,
    id: granted.id_token,
    refresh: granted.refresh_token ?? grant["refresh_token"] ?? "",
    expires: Date.now() + granted.expires_in * 1000,
  });
}

function storedTokens(): Tokens | null {
  return JSON.parse(sessionStorage.getItem(TOKENS) ?? "null") as Tokens | null;
}

function storeTokens(tokens: Tokens | null): Tokens | null {
  if (tokens) sessionStorage.setItem(TOKENS, JSON.stringify(tokens));
  else sessionStorage.removeItem(TOKENS);
  show(tokens);
  return tokens;
}

/** Update the displayed user. The API checks the token and decides what the user may do. */
function show(tokens: Tokens | null): void {
  const claims = tokens ? claimsOf(tokens.access) : {};
  const groups = (claims["cognito:groups"] ?? []) as string[];
  state.owner = (claims["sub"] as string | undefined) ?? null;
  state.operator = groups.includes(OPERATORS);
  state.name = tokens ? String(claimsOf(tokens.id)["email"] ?? state.owner) : "";
}

function claimsOf(token: string): Record<string, unknown> {
  const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

function go(path: string, parameters: Record<string, string>): void {
  location.assign(`${signIn?.address}${path}?${new URLSearchParams(parameters)}`);
}

const randomText = (): string => encoded(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)).buffer);

/** Base64url without padding, as RFC 7636 requires. */
function encoded(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
