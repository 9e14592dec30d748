/* Websocket frames (RFC 6455), as much of them as the load generator needs.
 *
 * Lives here: one masked text frame out, whole frames in, pseudo-random words for masks.
 * Does not know: sockets, requests. */
#ifndef LOAD_FRAME_H
#define LOAD_FRAME_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_OVERHEAD 16            /* most bytes a frame is longer than its text */
#define FRAME_BYTES_MAX (1u << 20)   /* a longer one from the server ends the run */
enum { FRAME_TEXT = 1, FRAME_CLOSE = 8 };

static uint64_t random_state = 20261120;
static uint64_t random_word(void) {
  random_state += 0x9E3779B97F4A7C15ULL;
  uint64_t z = random_state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/* Writes one masked text frame made of two parts; returns its length. */
static size_t write_text_frame(uint8_t *out, const char *head, uint32_t head_length, const char *tail,
                               uint32_t tail_length) {
  uint32_t length = head_length + tail_length, mask = (uint32_t)random_word();
  const uint8_t *key = (const uint8_t *)&mask;
  uint8_t *at = out;
  *at++ = 0x80 | FRAME_TEXT;
  if (length < 126) {
    *at++ = (uint8_t)(0x80 | length);
  } else if (length < 65536) {
    *at++ = 0x80 | 126;
    *at++ = (uint8_t)(length >> 8);
    *at++ = (uint8_t)length;
  } else {
    fprintf(stderr, "frame: a text longer than 65535 bytes\n");
    exit(2);
  }
  memcpy(at, key, 4);
  at += 4;
  for (uint32_t i = 0; i < head_length; i++) at[i] = (uint8_t)head[i] ^ key[i & 3];
  for (uint32_t i = 0; i < tail_length; i++) at[head_length + i] = (uint8_t)tail[i] ^ key[(head_length + i) & 3];
  return (size_t)(at + length - out);
}

/* Length of the whole unmasked frame at `at`, 0 if it is not all there; its payload through the pointers. */
static size_t whole_frame(const uint8_t *at, size_t available, const uint8_t **payload, size_t *payload_length) {
  if (available < 2) return 0;
  size_t header = 2, length = at[1] & 127;
  if (length == 126) {
    if (available < 4) return 0;
    length = (size_t)at[2] << 8 | at[3];
    header = 4;
  } else if (length == 127) {
    if (available < 10) return 0;
    length = 0;
    for (int i = 2; i < 10; i++) length = length << 8 | at[i];
    header = 10;
  }
  if (length > FRAME_BYTES_MAX - 16) {
    fprintf(stderr, "frame: the server sent one larger than a megabyte\n");
    exit(2);
  }
  if (available < header + length) return 0;
  *payload = at + header;
  *payload_length = length;
  return header + length;
}
#endif
