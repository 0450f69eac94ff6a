# Runs the action with the Python of the runner. The step of action.yml reads this file into its bash.

# Until the action has started, a signal ends the step. What runs in the foreground would have to end first, and bash
# may take an interrupt for its own.
installing=
trap 'kill $installing 2>/dev/null; exit 130' INT
trap 'kill $installing 2>/dev/null; exit 143' TERM

for python in python python3; do
    if "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        interpreter=$(mktemp)
        "$python" -I -u -X utf8 "$GITHUB_ACTION_PATH/virtual_environment.py" > "$interpreter" &
        installing=$!
        wait "$installing"
        python=$(cat "$interpreter")
        rm "$interpreter"
        # The signals of a cancellation are sent to this process only, which therefore becomes the action's.
        exec "$python" -I -u -X utf8 "$GITHUB_ACTION_PATH/../entrypoint.py"
    fi
done

hint="Add a step with actions/setup-python before this one."
if [ "${RUNNER_OS:-}" = Linux ]; then
    hint="$hint Or use this action without '/native': it then brings its own Python, in a container."
fi
echo "::error title=Python is missing::This runner has no Python 3.11 or newer as 'python' or 'python3'.%0A$hint"
exit 2
