// The requests.

#include "load.h"
#include <string.h>

// Scatters a number over 64 bits. Different numbers stay different: each step can be undone.
static uint64_t scatter(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x8f3b9d1ce64a7255u;
    x ^= x >> 29;
    x *= 0xd1a52c7f6b30e84du;
    x ^= x >> 32;
    return x;
}

static char *text(char *to, const char *from, size_t length)
{
    memcpy(to, from, length);
    return to + length;
}
#define TEXT(to, literal) text(to, literal, sizeof(literal) - 1)

// Letters only: some servers fold digits, or cut at a `+', and would make two triplets one.
static char *letters(char *to, uint64_t bits, int count)
{
    for (int i = 0; i < count; i++, bits >>= 4)
        *to++ = (char)('a' + (bits & 15));
    return to;
}

static char *decimal(char *to, uint64_t number)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *to++ = digits[--count];
    return to;
}

// In `mixed' three requests of ten are new: those with the numbers 1, 4 and 7.
static bool is_new_in_mixed(uint64_t number)
{
    return number % 10 % 3 == 1;
}

static uint64_t new_in_mixed(uint64_t count)
{
    return count / 10 * 3 + (count % 10 + 1) / 3;
}

// Whether a workload goes round in a set of triplets.
static bool has_set(enum workload workload)
{
    return workload == SEEN || workload == KNOWN;
}

uint64_t fresh_triplets(uint64_t count)
{
    return has_set(options.workload)  ? 0
           : options.workload == MIXED ? new_in_mixed(options.first + count) - new_in_mixed(options.first)
                                       : count;
}

// The number that all of a request comes from: another one for each triplet, workload and seed. What is known to
// `seen' is known to `mixed' of the same seed.
static uint64_t identity(uint64_t number)
{
    enum workload from = options.workload;
    if (from == MIXED && !is_new_in_mixed(number)) {
        from = SEEN;
        number -= new_in_mixed(number);
    }
    uint64_t base = scatter(scatter(options.seed) + (uint64_t)from) | 1;
    return scatter(base + (has_set(from) ? number % options.known : number));
}

// The 29 attributes of Postfix 3.7 in its order. The client's name proves the sender.
size_t compose(char *to, uint64_t number)
{
    bool data = options.workload == STATE;
    uint64_t id = identity(number);
    uint64_t more = scatter(id ^ 0x3c6ef372fe94f82bu);

    // 2^22 networks of 256 addresses, from 16.0.0.0 to 79.255.255.0. Nothing is ever sent there.
    char address[16], *a = address;
    a = decimal(a, 16 + (more & 63));
    *a++ = '.';
    a = decimal(a, more >> 6 & 255);
    *a++ = '.';
    a = decimal(a, more >> 14 & 255);
    *a++ = '.';
    a = decimal(a, 1 + (more >> 22 & 255) % 254);
    size_t address_length = (size_t)(a - address);

    char *p = to;
    p = TEXT(p, "request=smtpd_access_policy\nprotocol_state=");
    p = data ? TEXT(p, "DATA") : TEXT(p, "RCPT");
    p = TEXT(p, "\nprotocol_name=ESMTP\nclient_address=");
    p = text(p, address, address_length);
    p = TEXT(p, "\nclient_name=mta-");
    p = letters(p, more >> 30, 5);
    p = TEXT(p, ".outbound.newsletters.example\nclient_port=");
    p = decimal(p, 32768 + (more >> 48 & 16383));
    p = TEXT(p, "\nreverse_client_name=mta-");
    p = letters(p, more >> 30, 5);
    p = TEXT(p, ".outbound.newsletters.example\nserver_address=192.0.2.25\nserver_port=25\nhelo_name=mta-");
    p = letters(p, more >> 30, 5);
    p = TEXT(p, ".outbound.newsletters.example\nsender=bounces-");
    p = letters(p, id, 16);
    p = TEXT(p, "@s-");
    p = letters(p, more >> 44, 4);
    p = TEXT(p, ".campaigns.newsletters.example\nrecipient=");
    if (options.workload == WL) {
        p = TEXT(p, "postmaster@whitelisted.example");
    } else {
        p = letters(p, more >> 34, 6);
        p = TEXT(p, "@r-");
        p = letters(p, more >> 60, 1);
        p = TEXT(p, ".mailboxes.recipients.example");
    }
    p = data ? TEXT(p, "\nrecipient_count=1\nqueue_id=4cTq7N2xWdz3kRm") : TEXT(p, "\nrecipient_count=0\nqueue_id=");
    p = TEXT(p, "\ninstance=2f1c.65f0a1b2.");
    p = decimal(p, number);
    p = TEXT(p, ".0\nsize=");
    p = decimal(p, 2000 + (more >> 40 & 8191));
    p = TEXT(p, "\netrn_domain=\nstress=\nsasl_method=\nsasl_username=");
    if (options.workload == OUTGOING)
        p = TEXT(p, "user");
    p = TEXT(p, "\nsasl_sender=\nccert_subject="
                "\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3"
                "\nencryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\npolicy_context=");
    if (options.workload == OUTGOING)
        p = TEXT(p, "outgoing");
    p = TEXT(p, "\n\n");
    return (size_t)(p - to);
}
