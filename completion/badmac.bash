# bash completion for badmac(1)

# What comes after badmac lab; cur, prev and words are _badmac's.
_badmac_lab() {
	local faults='bits-flipped bytes-damaged words-swapped tag-damaged header-damaged stale-data retransmission-differs
		bytes-missing bytes-inserted plaintext-injected record-replayed records-reordered record-missing
		reflected-record foreign-record plaintext-alert'
	local guilty='sequence-reused records-interleaved sender-miscomputed bad-padding mac-construction wrong-epoch wrong-keys'
	if ((cword == 2)); then
		mapfile -t COMPREPLY < <(compgen -W 'list run score relay -h --help' -- "$cur")
		return
	fi
	case $prev in
	--tls) mapfile -t COMPREPLY < <(compgen -W '1.0 1.1 1.2 1.3' -- "$cur") ;;
	--server | --client) mapfile -t COMPREPLY < <(compgen -W 'openssl gnutls nss mbedtls wolfssl go node jsse' -- "$cur") ;;
	--capture) mapfile -t COMPREPLY < <(compgen -W 'segments merged repeated ipv4 ipv6 snap=' -- "$cur") ;;
	--fault) mapfile -t COMPREPLY < <(compgen -W "$faults" -- "$cur") ;;
	-o | --output | --record) _filedir -d ;;
	--keys) _filedir ;;
	--format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$cur") ;;
	--cipher | --timeout | --listen | --to | --probability | --seed | -j | --jobs) ;;
	*)
		if [[ ${words[2]} == run && $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--tls --cipher --no-etm --server --client --timeout -o --output
				--capture --seed -h --help' -- "$cur")
		elif [[ ${words[2]} == run ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$faults $guilty" -- "$cur")
		elif [[ ${words[2]} == score ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--quick -j --jobs --format -o --output --seed -h --help' -- "$cur")
		elif [[ ${words[2]} == relay ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--listen --to --fault --probability --record --keys --capture --seed
				-h --help' -- "$cur")
		fi
		;;
	esac
}

_badmac() {
	local cur prev words cword split
	_init_completion -s || return

	local command=${words[1]}
	if ((cword == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'diagnose explain carve history host lab odds prove help --version --help -h' -- "$cur")
		return
	fi
	if [[ $command == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'diagnose explain carve history host lab odds prove help' -- "$cur")
		return
	fi
	if [[ $command == lab ]]; then
		_badmac_lab
		return
	fi
	local options='-k --keys --log --rules --at --effort -j --jobs --crypto --format -o --output --redact --store -v --verbose
		-q --quiet --color --memory --flow-memory --max-flows --no-progress -h --help'
	[[ $command == explain ]] && options='--format --rules --keys-out -o --output --redact -v --verbose -q --quiet
		--color -h --help'
	[[ $command == carve ]] && options='-o --output -k --keys --no-secrets --repaired --connection --failure -q --quiet
		-h --help'
	[[ $command == history ]] && options='--since --until --cause --peer --group --limit --add --format -o --output --color -h --help'
	[[ $command == host ]] && options='-i --interface --watch --root --before --format -o --output -v --verbose -q --quiet
		--color -h --help'
	[[ $command == odds ]] && options='--checksum-errors --failures --segments --watch --after --before --pattern --report
		--elsewhere --suite --simulate --trials --payload --seed -j --jobs --format -o --output -v --verbose -q --quiet
		--color -h --help'
	[[ $command == prove ]] && options='-k --keys --format -o --output -v --verbose -q --quiet --color -h --help'
	[[ $command == diagnose || $command == prove || $command == explain || $command == carve || $command == history || $command == host || $command == odds ]] || return

	case $prev in
	--at) mapfile -t COMPREPLY < <(compgen -W 'sender receiver client server middle' -- "$cur") ;;
	--format)
		local formats='text json'
		[[ $command != diagnose && $command != history ]] || formats+=' html'
		mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$cur")
		;;
	--group) mapfile -t COMPREPLY < <(compgen -W 'cause confidence fault peer client server name suite version direction
		capture day hour weekday bit flip offset stream-offset packet-offset size' -- "$cur") ;;
	--cause) mapfile -t COMPREPLY < <(compgen -W 'record-was-good bits-flipped bytes-damaged words-swapped tag-damaged
		header-damaged stale-data retransmission-differs bytes-missing bytes-inserted plaintext-injected
		records-interleaved sequence-reused record-replayed records-reordered record-missing wrong-epoch reflected-record
		foreign-record wrong-keys mac-construction bad-padding sender-miscomputed plaintext-alert capture-incomplete
		unexplained' -- "$cur") ;;
	--effort) mapfile -t COMPREPLY < <(compgen -W 'quick normal deep' -- "$cur") ;;
	--crypto) mapfile -t COMPREPLY < <(compgen -W 'auto openssl ipsec-mb' -- "$cur") ;;
	--redact) mapfile -t COMPREPLY < <(compgen -W 'addresses all' -- "$cur") ;;
	--color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur") ;;
	-i | --interface) _available_interfaces ;;
	--root | --after | --before) _filedir -d ;;
	--payload) mapfile -t COMPREPLY < <(compgen -W 'ciphertext text zeros' -- "$cur") ;;
	--pattern) mapfile -t COMPREPLY < <(compgen -W 'random bits pair burst lane stuck swap-words swap-octets swap-odd
		byte-order zeroed stale shift resummed' -- "$cur") ;;
	--checksum-errors | --failures | --segments | --elsewhere | --suite | --trials | --seed | --connection | --failure) ;;
	-j | --jobs | --memory | --flow-memory | --max-flows | --watch | --since | --until | --peer | --limit) ;;
	-k | --keys | -o | --output | --log | --rules | --keys-out | --report | --store | --add) _filedir ;;
	*)
		[[ $split == true ]] && return
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		elif [[ $command != host && $command != odds ]]; then
			_filedir
		fi
		;;
	esac
} && complete -F _badmac badmac
