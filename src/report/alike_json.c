/* What failures share, as JSON for the page (docs/HTML.md). Refuses to know how it was counted. */
#include "report/alike.h"
#include "report/internal.h"
#include "report/json_out.h"

#include <math.h>

static const char *
trait_id(enum bm_trait t)
{
	static const char *const ids[] = {[BM_TRAIT_BIT] = "bit",
		[BM_TRAIT_WAY] = "way",
		[BM_TRAIT_MOD64] = "mod64",
		[BM_TRAIT_MOD4096] = "mod4096",
		[BM_TRAIT_OFFSET] = "offset",
		[BM_TRAIT_FRAME] = "frame",
		[BM_TRAIT_DIRECTION] = "direction",
		[BM_TRAIT_SERVER] = "server",
		[BM_TRAIT_CLIENT] = "client",
		[BM_TRAIT_SUITE] = "suite",
		[BM_TRAIT_SIZE] = "size",
		[BM_TRAIT_BEAT] = "beat",
		[BM_TRAIT_DAY] = "day"};

	return ids[t];
}

static void
value(struct json *j, const struct bm_alike_found *x)
{
	char address[BM_ADDRESS_TEXT_MAX], number[BM_SUITE_TEXT_MAX];

	switch (x->trait) {
	case BM_TRAIT_DIRECTION:
		string_or_null(j, "value", bm_direction_id((unsigned)x->value));
		return;
	case BM_TRAIT_SERVER:
	case BM_TRAIT_CLIENT:
		bm_address_text(&x->address, address);
		if (x->trait == BM_TRAIT_CLIENT)
			*strrchr(address, ':') = '\0'; /* in front of the port */
		string_or_null(j, "value", address);
		return;
	case BM_TRAIT_SUITE:
		string_or_null(j, "value", bm_suite_text((uint16_t)x->value, number));
		return;
	default:
		number_or_null(j, "value", x->value);
	}
}

/* A trait that is shared. What chance gives is told in whole numbers: printf would ask the locale
 * for its decimal point. */
static void
trait(struct json *j, const struct bm_alike_found *x)
{
	static const double MOST_EXACT = 1e15;
	double odds = exp(-x->ln_chance), digits = floor(-x->ln_chance / log(10) + 1e-9);

	next(j);
	begin(j, "{");
	string_or_null(j, "id", trait_id(x->trait));
	value(j, x);
	number_or_null(j, "within", x->trait == BM_TRAIT_DAY ? x->within : BM_UNKNOWN);
	number_or_null(j, "with", x->with);
	number_or_null(j, "of", x->of);
	number_or_null(j, "values", x->values != 0 ? x->values : BM_UNKNOWN);
	number_or_null(j, "records", x->of_records != 0 ? x->records : BM_UNKNOWN);
	number_or_null(j, "of_records", x->of_records != 0 ? x->of_records : BM_UNKNOWN);
	/* Rounded down, but for what is lost on the way through logarithms. */
	number_or_null(j, "once_in", odds < MOST_EXACT ? (uint64_t)(odds * (1 + 1e-13)) : BM_UNKNOWN);
	number_or_null(j, "once_in_log10", isfinite(digits) ? (uint64_t)digits : BM_UNKNOWN);
	end(j, "}");
}

void
bm_alike_json(struct bm_out *out, struct bm_alike *a)
{
	struct json here = {out, true}, *j = &here;
	struct bm_alike_result r;

	if (!bm_alike_find(a, &r)) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	number_or_null(j, "compared", r.compared);
	name(j, "stated");
	begin(j, "[");
	for (size_t i = 0; i < r.n; i++)
		trait(j, &r.found[i]);
	end(j, "]");
	end(j, "}");
}
