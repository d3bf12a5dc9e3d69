# bash completion for badmac(1)

_badmac() {
	local cur prev words cword split
	_init_completion -s || return

	local command=${words[1]}
	if ((cword == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'diagnose help --version --help -h' -- "$cur")
		return
	fi
	if [[ $command == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'diagnose help' -- "$cur")
		return
	fi
	[[ $command == diagnose ]] || return

	case $prev in
	--at) mapfile -t COMPREPLY < <(compgen -W 'sender receiver client server middle' -- "$cur") ;;
	--format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$cur") ;;
	--effort) mapfile -t COMPREPLY < <(compgen -W 'quick normal deep' -- "$cur") ;;
	--crypto) mapfile -t COMPREPLY < <(compgen -W 'auto openssl ipsec-mb' -- "$cur") ;;
	--color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur") ;;
	-j | --jobs | --memory | --flow-memory | --max-flows) ;;
	-k | --keys | -o | --output) _filedir ;;
	*)
		[[ $split == true ]] && return
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '-k --keys --at --effort -j --jobs --crypto --format -o --output -v --verbose
				-q --quiet --color --memory --flow-memory --max-flows --no-progress -h --help' -- "$cur")
		else
			_filedir
		fi
		;;
	esac
} && complete -F _badmac badmac
