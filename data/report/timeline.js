/* Records and events of one connection in the order of time, in typed arrays, and which of them are shown. Refuses to know
 * how they are drawn. */

const EVENT_KINDS = [
	'record',
	'handshake',
	'key_update',
	'change_cipher_spec',
	'alert',
	'retransmission',
	'differing_copy',
	'bad_checksum',
	'gap',
	'end',
	'other',
];

class Timeline {
	constructor(connection, detail) {
		this.connection = connection;
		this.start = microseconds(detail.start);
		this.records = detail.records || {
			time: [],
			direction: [],
			length: [],
			type: [],
			state: [],
			packet: [],
			epoch: [],
			sequence_number: [],
			stream_offset: [],
		};
		this.events = detail.events || [];
		this.names = new Map();
		const own = this.nameRecords();
		this.merge(own);
		this.markFailures(connection);
		this.filter({ direction: 'both', states: [true, true, true, true], events: true });
	}

	/* An event that says what a record is becomes that record's name; the others stay for rows of their own. */
	nameRecords() {
		const r = this.records;
		const wanted = new Map();
		this.events.forEach((e, i) => {
			if (e.packet !== null && ['handshake', 'key_update', 'change_cipher_spec', 'alert'].includes(e.kind))
				wanted.set(e.packet, (wanted.get(e.packet) || []).concat(i));
		});
		const taken = new Set();
		if (wanted.size) {
			for (let i = 0; i < r.time.length; i++) {
				const list = wanted.get(r.packet[i]);
				if (!list) continue;
				for (const k of list) {
					const e = this.events[k];
					const inside =
						e.stream_offset !== null && r.stream_offset[i] >= 0
							? e.stream_offset >= r.stream_offset[i] && e.stream_offset < r.stream_offset[i] + r.length[i]
							: !this.names.has(i);
					if (!taken.has(k) && e.direction === r.direction[i] && inside) {
						taken.add(k);
						const name = this.names.get(i) || { labels: [], kind: e.kind };
						name.labels.push(e.label || EVENT_WORDS[e.kind]);
						name.kind = e.kind === 'handshake' ? name.kind : e.kind;
						this.names.set(i, name);
					}
				}
			}
		}
		return this.events.map((_, k) => k).filter((k) => !taken.has(k));
	}

	merge(own) {
		const r = this.records;
		const n = r.time.length;
		const size = n + own.length;
		const when = (k) => (k < n ? r.time[k] : this.events[own[k - n]].time);
		const order = Uint32Array.from({ length: size }, (_, k) => k);
		let sorted = own.length === 0;
		for (let i = 1; sorted && i < n; i++) sorted = r.time[i] >= r.time[i - 1];
		if (!sorted) order.sort((a, b) => when(a) - when(b) || a - b);
		this.size = size;
		this.time = new Float64Array(size);
		this.kind = new Uint8Array(size);
		this.direction = new Uint8Array(size);
		this.state = new Uint8Array(size).fill(255);
		this.bytes = new Uint32Array(size);
		this.ref = new Uint32Array(size);
		this.failing = new Int32Array(size).fill(-1);
		this.rowOfRecord = new Int32Array(n);
		for (let i = 0; i < size; i++) {
			const k = order[i];
			this.time[i] = when(k);
			if (k < n) {
				this.direction[i] = r.direction[k];
				this.state[i] = r.state[k];
				this.bytes[i] = r.length[k];
				this.ref[i] = k;
				this.rowOfRecord[k] = i;
			} else {
				const e = this.events[own[k - n]];
				const kind = EVENT_KINDS.indexOf(e.kind);
				this.kind[i] = kind < 0 ? EVENT_KINDS.length - 1 : kind;
				this.direction[i] = e.direction;
				this.bytes[i] = e.length || 0;
				this.ref[i] = own[k - n];
			}
		}
	}

	markFailures(connection) {
		this.failureRows = connection.failures.map((f, place) => {
			const at = recordOf(f, this.records);
			if (at < 0) return -1;
			const row = this.rowOfRecord[at];
			this.failing[row] = place;
			return row;
		});
	}

	/* Which rows are shown, and where each stands: by time, or in even steps in which pauses show. */
	filter(want) {
		this.want = want;
		const rows = [];
		for (let i = 0; i < this.size; i++) {
			const direction = want.direction === 'both' || (want.direction === 'client') === (this.direction[i] === 0);
			const kept = this.kind[i] === 0 ? want.states[this.state[i]] !== false : want.events;
			if (direction && kept) rows.push(i);
		}
		this.rows = Uint32Array.from(rows);
		this.scale(this.even !== false);
	}

	scale(even) {
		this.even = even;
		const n = this.rows.length;
		this.place = new Float64Array(n);
		let at = 0,
			last = n ? this.time[this.rows[0]] : 0;
		for (let i = 0; i < n; i++) {
			const t = this.time[this.rows[i]];
			if (i > 0) at += even ? 1 + Math.min(3, Math.max(0, Math.log10((t - last) / 10000 || 1))) : t - last;
			this.place[i] = at;
			last = t;
		}
		this.extent = even ? Math.max(1, at) : Math.max(10, at);
	}

	/* The first shown row at or behind a place. */
	rowAt(place) {
		let low = 0,
			high = this.rows.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.place[middle] < place) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	nearest(place) {
		const i = this.rowAt(place);
		if (i >= this.rows.length || (i > 0 && place - this.place[i - 1] < this.place[i] - place)) return Math.max(0, i - 1);
		return i;
	}

	/* Position among the shown rows of a row, or -1. */
	shownAt(row) {
		let low = 0,
			high = this.rows.length - 1;
		while (low <= high) {
			const middle = (low + high) >> 1;
			if (this.rows[middle] === row) return middle;
			if (this.rows[middle] < row) low = middle + 1;
			else high = middle - 1;
		}
		return -1;
	}

	/* What a row says: { label, kind, direction, time, length, state, packet, epoch, number, offset, failing }. */
	describe(row) {
		const i = this.ref[row];
		if (this.kind[row] !== 0) {
			const e = this.events[i];
			return {
				label: e.label || EVENT_WORDS[e.kind] || e.kind,
				kind: e.kind,
				direction: e.direction,
				time: e.time,
				length: e.length,
				state: null,
				packet: e.packet,
				epoch: null,
				number: null,
				offset: e.stream_offset,
				failing: -1,
			};
		}
		const r = this.records;
		const name = this.names.get(i);
		return {
			label: name
				? name.labels.join(', ')
				: TYPE_WORDS[r.type[i]] || (r.type[i] ? `Record of type ${r.type[i]}` : 'No record to be made out'),
			kind: name ? name.kind : 'record',
			direction: r.direction[i],
			time: r.time[i],
			length: r.length[i] || null,
			state: STATES[r.state[i]] || null,
			packet: r.packet[i] || null,
			epoch: r.epoch[i],
			number: r.sequence_number[i] >= 0 ? r.sequence_number[i] : null,
			offset: r.stream_offset[i] >= 0 ? r.stream_offset[i] : null,
			failing: this.failing[row],
		};
	}

	/* What goes before the name of a record that a failure is about: one that is good and was rejected does not fail. */
	static mark(d) {
		return d.state === 'failed' ? 'Fails: ' : d.failing >= 0 ? 'Rejected: ' : '';
	}

	/* One sentence of it, to be heard or shown. */
	sentence(row) {
		const d = this.describe(row);
		const parts = [
			`${Timeline.mark(d)}${d.label}`,
			d.direction === 0 ? 'client to server' : 'server to client',
			`at ${since(d.time)}`,
		];
		if (known(d.length)) parts.push(bytesText(d.length));
		if (d.state) parts.push(d.state);
		if (known(d.packet)) parts.push(`packet ${packetText(this.connection.capture, d.packet)}`);
		if (d.number !== null) parts.push(`epoch ${count(d.epoch)}, sequence number ${count(d.number)}`);
		return parts.join(', ');
	}

	/* Rows that are marked from far away: what failed, and alerts. */
	marked() {
		if (!this.marks) {
			this.marks = [];
			for (let i = 0; i < this.size; i++) {
				const name = this.kind[i] === 0 ? this.names.get(this.ref[i]) : null;
				if (this.failing[i] >= 0 || EVENT_KINDS[this.kind[i]] === 'alert' || (name && name.kind === 'alert'))
					this.marks.push(i);
			}
		}
		return this.marks;
	}

	/* How many rows there would have to be room for; not changed by a filter. */
	extentRows() {
		return this.even ? Math.max(this.size, Math.min(26, this.extent)) : this.size;
	}
}
