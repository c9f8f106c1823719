#!/bin/sh
# Three agents design, build and review an auth check, from the shell: eighteen events.
#
#   sh examples/eighteen-events.sh [flags of "tracecraft init"]
#
# Without flags everything happens in a new folder that is printed at the end. TRACECRAFT names the command to run.
set -eu

# as AGENT COMMAND...: each of them runs in a shell of its own, and says who it is.
as() {
  agent=$1
  shift
  # Unquoted on purpose: it may be a command with an argument, e.g. "node bin/run.cjs".
  env TRACECRAFT_AGENT="$agent" ${TRACECRAFT:-tracecraft} "$@"
}

fail() {
  echo "eighteen-events: $*" >&2
  exit 1
}

# expect CODE AGENT COMMAND...: a failure that belongs to the story
expect() {
  wanted=$1
  shift
  code=0
  as "$@" || code=$?
  [ "$code" -eq "$wanted" ] || fail "exit $code instead of $wanted: $*"
}

if [ $# -eq 0 ]; then
  work=$(mktemp -d)
  cd "$work"
  set -- --backend local --bucket "$work/bucket" --project auth
fi

# Three agents register.
as designer init --agent designer "$@"
as developer heartbeat --summary "builds what was designed"
as reviewer heartbeat --summary "reads every line"

# The designer has the step, so the developer cannot have it.
as designer claim design
expect 4 developer claim design

as designer memory set design.contract \
  '{"header": "Authorization", "token": "JWT", "algorithm": "ES256", "without": 401}'
as designer send developer "The contract is in design.contract. Check the token in one middleware."
as designer complete design --note "one middleware, ES256, 401 without a token" \
  --to developer --next-action "build it behind /orders"

# The developer picks up, with what was handed over.
as developer wait-for design
as developer handoff design
as developer inbox --new
as developer memory get design.contract
as developer claim build
cat > patch-auth.diff <<'DIFF'
--- a/src/routes/orders.ts
+++ b/src/routes/orders.ts
@@ -1,2 +1,3 @@
 export const orders = router();
+orders.use(checkToken);
 orders.get('/', list);
DIFF
as developer artifact upload patch-auth.diff --step build
as developer send --all "The patch is in build/patch-auth.diff"
as developer complete build --note "orders checks the token" \
  --artifact patch-auth.diff --to reviewer --next-action "review the patch"

# The reviewer finds that something is missing.
as reviewer wait-for build
as reviewer inbox --new
as reviewer claim review
as reviewer artifact download build/patch-auth.diff --to review
as reviewer send developer "The cart does not ask the middleware. Is that on purpose?"
as reviewer complete review --blocked --note "missing auth check, needs rework"
as reviewer send developer "Blocked: src/routes/cart.ts needs the same check."

# Whoever waits for the review hears at once that it is blocked.
expect 5 designer wait-for review

echo
as designer log
[ -z "${work:-}" ] || echo "All of it is plain JSON in $work/bucket/auth"
