# Completion of lockstep for bash, installed where bash-completion looks for it.
# shellcheck shell=bash

# The words up to the cursor, in _lockstep_typed. Bash splits a line at @, : and =, too
# (COMP_WORDBREAKS), in the midst of subjects and paths: what no blank parts is one
# word again. In _lockstep_kept, what bash keeps of the last one: it replaces only
# what follows the last of these, or from an @ on where it completes names of hosts.
_lockstep_join() {
	local line=${COMP_LINE:0:COMP_POINT} gap word i last=-1
	local splits='^[@:=]+$' split=false before

	for ((i = 0; i <= COMP_CWORD; i++)); do
		[ -n "$line" ] || break # the cursor is before this one
		gap=${line%%[![:space:]]*}
		line=${line#"$gap"}
		word=${COMP_WORDS[i]:0:${#line}}
		[ "$i" -lt "$COMP_CWORD" ] || word=$line
		line=${line#"$word"}
		before=$split
		split=false
		[[ $word =~ $splits && $COMP_WORDBREAKS == *"${word: -1}"* ]] &&
			split=true
		_lockstep_kept=""
		if [[ $i == 0 || -n $gap || $before$split == falsefalse ]]; then
			((++last))
		else
			_lockstep_kept=${_lockstep_typed[last]}
		fi
		_lockstep_typed[last]+=$word
	done
	"$split" && _lockstep_kept+=$word
	if [[ $word != [\"\']* ]] && shopt -q hostcomplete; then
		_lockstep_kept=${_lockstep_kept%@}
	fi
}

# Of the words offered, what comes in the place of what bash replaces.
_lockstep_cut() {
	local word
	local -a whole=("${COMPREPLY[@]}")

	COMPREPLY=()
	for word in "${whole[@]}"; do
		[[ $word == "$_lockstep_kept"* ]] &&
			COMPREPLY+=("${word#"$_lockstep_kept"}")
	done
}

# The subjects that are locked, frozen or trusted, one a line. Names come from
# strangers, and compgen expands what it is given as a shell does: only what means
# nothing to a shell is offered.
_lockstep_subjects() {
	local list=$1 which=""
	case $1 in
	locked) list=locks which='/"freeze":true/!' ;;
	frozen) list=locks which='/"freeze":true/' ;;
	esac
	lockstep "${_lockstep_policy[@]}" list --json "$list" 2>/dev/null |
		sed -n "$which"'s/.*"subject":"\([A-Za-z0-9.:@/_+-]*\)".*/\1/p'
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
	lock) echo "--for --reason --user --help" ;;
	freeze) echo "--for --reason --help" ;;
	unlock) echo "--all --yes --guess --reason --help" ;;
	release) echo "--keep-places --reason --help" ;;
	forget) echo "--reason --help" ;;
	trust) echo "--for --end --reason --help" ;;
	learn) echo "--dry-run --help" ;;
	replay) echo "--policy --conf --learn --passwords --all --json --help" ;;
	init) echo "--force --subjects --help" ;;
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
	--outcome) echo "success wrong unknown-user denied internal abandoned" \
			"unverified refused" ;;
	*) return 1 ;;
	esac
}

# What a verb takes besides options.
_lockstep_words() {
	case $1 in
	list) [ "$2" = 0 ] && echo "locks trusted familiar sessions stale" ;;
	unlock) _lockstep_subjects locked ;;
	release) _lockstep_subjects frozen ;;
	trust) _lockstep_subjects trusted ;;
	explain | forget) [ "$2" = 1 ] && echo from ;;
	esac
}

_lockstep() {
	local verbs="compile status list explain events top lock unlock freeze
		release trust forget learn replay init verify bench"
	local current previous _lockstep_kept verb="" words=0 i
	local -a _lockstep_policy=() _lockstep_typed=()

	COMPREPLY=()
	_lockstep_join
	current=${_lockstep_typed[-1]}
	previous=${_lockstep_typed[-2]}
	for ((i = 1; i < ${#_lockstep_typed[@]} - 1; i++)); do
		case ${_lockstep_typed[i]} in
		-p | --policy)
			[ -n "$verb" ] || {
				_lockstep_policy=(-p "${_lockstep_typed[i + 1]}")
				((i++))
			}
			;;
		-*) ;;
		*)
			if [ -z "$verb" ]; then
				verb=${_lockstep_typed[i]}
			elif [[ ${_lockstep_typed[i - 1]} != --* ]] ||
				! _lockstep_values "${_lockstep_typed[i - 1]}" \
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
	_lockstep_cut
}

complete -F _lockstep lockstep
