/* Splits a command line into options and operands. */
#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static enum option_event
bad(struct option_found *out, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(out->problem, sizeof out->problem, format, ap);
	va_end(ap);
	return OPTION_BAD;
}

static enum option_event
letter(struct option_walk *w, struct option_found *out)
{
	const struct option_spec *s = w->specs;
	char name[] = {*w->letters++, '\0'};

	while (s->name != NULL && (s->letter == '\0' || s->letter != name[0]))
		s++;
	if (s->name == NULL)
		return bad(out, "unknown option -%s", name);
	out->spec = s;
	out->value = NULL;
	if (s->takes_value) {
		if (*w->letters != '\0')
			out->value = w->letters;
		else if (w->at < w->argc)
			out->value = w->argv[w->at++];
		else
			return bad(out, "option -%s needs a value", name);
		w->letters = NULL;
	} else if (*w->letters == '\0') {
		w->letters = NULL;
	}
	return OPTION_FOUND;
}

static enum option_event
word(struct option_walk *w, const char *text, struct option_found *out)
{
	const struct option_spec *s = w->specs;
	const char *equals = strchr(text, '=');
	size_t n = equals != NULL ? (size_t)(equals - text) : strlen(text);

	while (s->name != NULL && (strlen(s->name) != n || memcmp(s->name, text, n) != 0))
		s++;
	if (s->name == NULL)
		return bad(out, "unknown option --%s", text);
	out->spec = s;
	out->value = equals != NULL ? equals + 1 : NULL;
	if (!s->takes_value)
		return equals == NULL ? OPTION_FOUND : bad(out, "option --%s takes no value", s->name);
	if (equals == NULL) {
		if (w->at >= w->argc)
			return bad(out, "option --%s needs a value", s->name);
		out->value = w->argv[w->at++];
	}
	return OPTION_FOUND;
}

enum option_event
option_next(struct option_walk *w, struct option_found *out)
{
	if (w->letters != NULL)
		return letter(w, out);
	while (w->at < w->argc) {
		char *arg = w->argv[w->at++];
		if (w->ended || arg[0] != '-' || arg[1] == '\0') {
			out->value = arg;
			return OPTION_OPERAND;
		}
		if (arg[1] != '-') {
			w->letters = arg + 1;
			return letter(w, out);
		}
		if (arg[2] != '\0')
			return word(w, arg + 2, out);
		w->ended = true;
	}
	return OPTION_END;
}
