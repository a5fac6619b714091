# Completion of lockstep for bash, installed where bash-completion looks for it.
# shellcheck shell=bash

# The subjects that are locked, or trusted, one a line. Names come from strangers,
# and compgen expands what it is given as a shell does: only what means nothing to
# a shell is offered.
_lockstep_subjects() {
	lockstep "${_lockstep_policy[@]}" list --json "$1" 2>/dev/null |
		sed -n 's/.*"subject":"\([A-Za-z0-9.:@/_+-]*\)".*/\1/p'
}

# The options of each verb.
_lockstep_options() {
	local who="--user --from --kind --since"
	case $1 in
	compile) echo "--check --dump --output --help" ;;
	status | explain | bench) echo "--json --help" ;;
	list) echo "--json $who --help" ;;
	events)
		echo "--follow --lines --json $who --type --service" \
			"--outcome --help"
		;;
	lock | freeze) echo "--for --reason --help" ;;
	unlock) echo "--all --yes --guess --reason --help" ;;
	release | forget) echo "--reason --help" ;;
	trust) echo "--for --end --reason --help" ;;
	learn) echo "--dry-run --help" ;;
	replay) echo "--policy --conf --learn --passwords --all --json --help" ;;
	init) echo "--subjects --help" ;;
	*) echo "--help" ;;
	esac
}

# What may follow an option; fails where that is anybody's guess.
_lockstep_values() {
	case $1 in
	--for | --since | -f) echo "10m 1h 12h 1d 30d" ;;
	--kind) echo "ip net user place guess" ;;
	--type)
		echo "login connect session session-end lock unlock suspicious" \
			"freeze release trust distrust forget message alarm"
		;;
	--service) echo "imap pop3 sieve submission smtp" ;;
	--passwords) echo "stale new same" ;;
	--outcome) echo "success wrong denied internal abandoned refused" ;;
	*) return 1 ;;
	esac
}

# What a verb takes besides options.
_lockstep_words() {
	case $1 in
	list) [ "$2" = 0 ] && echo "locks trusted familiar sessions stale" ;;
	unlock) _lockstep_subjects locks ;;
	trust) _lockstep_subjects trusted ;;
	explain | forget) [ "$2" = 1 ] && echo from ;;
	esac
}

_lockstep() {
	local verbs="compile status list explain events top lock unlock freeze
		release trust forget learn replay init verify bench"
	local current=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb="" words=0 i
	local -a _lockstep_policy=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-p | --policy)
			[ -n "$verb" ] || {
				_lockstep_policy=(-p "${COMP_WORDS[i + 1]}")
				((i++))
			}
			;;
		-*) ;;
		*)
			if [ -z "$verb" ]; then
				verb=${COMP_WORDS[i]}
			elif [[ ${COMP_WORDS[i - 1]} != --* ]] ||
				! _lockstep_values "${COMP_WORDS[i - 1]}" \
					>/dev/null; then
				((words++))
			fi
			;;
		esac
	done

	if [ -z "$verb" ]; then
		case $previous in
		-p | --policy) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
		*)
			mapfile -t COMPREPLY < <(compgen -W \
				"$verbs --policy --help --version" -- "$current")
			;;
		esac
	elif i=$(_lockstep_values "$previous"); then
		[ "$verb $previous" = "events -f" ] ||
			mapfile -t COMPREPLY < <(compgen -W "$i" -- "$current")
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_lockstep_options "$verb")" -- "$current")
	elif [[ " compile learn replay " == *" $verb "* ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	else
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_lockstep_words "$verb" "$words")" -- "$current")
	fi
}

complete -F _lockstep lockstep
