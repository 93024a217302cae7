// What a reply must look like.

#include "load.h"
#include <string.h>

const char *examine(const char *reply, size_t length, bool *complete, int *verb)
{
    static const char start[] = "action=";
    const size_t head = sizeof start - 1;
    *complete = false;
    if (memcmp(reply, start, length < head ? length : head))
        return "a reply that does not begin with `action='";
    size_t end = head;
    for (; end < length && reply[end] != '\n'; end++) {
        if (reply[end] == '\r')
            return "a carriage return in a reply";
        if (reply[end] < ' ' || reply[end] > '~')
            return "a byte in a reply that is not printable ASCII";
    }
    if (end >= length)
        return NULL;
    if (end == head || reply[head] == ' ')
        return "a reply without a verb";
    if (end + 1 == length)
        return NULL;
    if (reply[end + 1] != '\n')
        return "bytes where the empty line of a reply belongs";
    if (end + 2 < length)
        return "extra bytes after a reply";

    const char *action = reply + head;
    size_t action_length = end - head;
    const char *blank = memchr(action, ' ', action_length);
    size_t verb_length = blank ? (size_t)(blank - action) : action_length;
    for (*verb = 0; *verb < OTHER; ++*verb)
        if (strlen(verb_names[*verb]) == verb_length && !memcmp(action, verb_names[*verb], verb_length))
            break;
    if (!strcmp(verb_names[*verb], "PREPEND")) {
        const char *name = action + verb_length, *stop = action + action_length;
        while (name < stop && *name == ' ')
            name++;
        const char *colon = name;
        while (colon < stop && *colon != ':' && *colon != ' ')
            colon++;
        if (colon == name || colon + 1 >= stop || *colon != ':')
            return "a PREPEND without `Name: value'";
    }
    *complete = true;
    return NULL;
}
