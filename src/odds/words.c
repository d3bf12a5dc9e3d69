/* printf into an arena that cannot fail half-way. */
#include "odds/words.h"

#include <stdarg.h>
#include <stdio.h>

const char *
bm_words_print(struct bm_words *w, const char *format, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	const char *kept = bm_arena_print(&w->arena, "%s", text);
	w->failed = w->failed || kept == NULL;
	return kept != NULL ? kept : "";
}
