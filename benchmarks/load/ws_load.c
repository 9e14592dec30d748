/* Open-loop load over websockets: ws_load HOST PORT SCRIPT RATE SECONDS [WINDOW]
 *
 * Lives here: connections, frames, due times, latencies. Does not know: what the requests mean.
 *
 * SCRIPT is a text file of sessions:
 *     S                 a new session (one connection)
 *     A {...}           sent once and answered before anything else (authentication); carries its own id, 0
 *     R {...,"id":      a request without its end: the id and "}" are added; counted and timed
 *     X {...,"id":      the same, but neither counted nor timed (tidying up); must be answered all the same
 * Each session goes through its requests in a circle.
 *
 * RATE > 0: open loop. Requests fall due at exponential intervals, RATE a second over all sessions, and go to the
 * sessions by turns whether or not earlier ones are answered. Latency counts from the due time, so a stall of the
 * server is charged to everything that fell due meanwhile. Sending and reading happen once a tick, which adds up to one
 * tick to each latency. RATE 0: closed loop with WINDOW requests in flight per
 * session, which finds the highest rate; latency then counts from sending.
 *
 * Prints one LOAD line. Exit code: 0 = everything answered, 1 = answers missing or a connection lost, 2 = cannot run. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

#define SESSIONS_MAX 1024
#define INPUT_BYTES (FRAME_BYTES_MAX + 16)
#define OUTPUT_BYTES_MAX (64u << 20) /* beyond that the server has stopped reading */
#define TICK_NS 250000              /* how often the open loop looks at clock and sockets */
#define DRAIN_NS 5000000000LL       /* how long answers are waited for at the end */

typedef struct {
  const char *text;
  uint32_t length;
  int counted;
} request_t;

typedef struct {
  int socket;
  const char *authentication;
  request_t *requests;
  uint32_t request_count, next;
  uint8_t *input;
  size_t input_used;
  uint8_t *output;
  size_t output_used, output_size;
  uint32_t in_flight;
} session_t;

typedef struct {
  int64_t due_ns; /* < 0: answered */
  int counted;
  uint32_t session;
} sent_t;

static session_t sessions[SESSIONS_MAX];
static struct pollfd polls[SESSIONS_MAX];
static uint32_t session_count;
static sent_t *sent; /* by request id - 1 */
static uint64_t sent_count, sent_size, answered, errors, counted_sent, counted_answered;
static uint32_t *latencies_us;
static uint64_t late_ns_max;
static char first_error[512];

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "ws_load: %s: %s\n", what, detail);
  exit(2);
}

static void lose(const char *what, uint32_t session) {
  fprintf(stderr, "ws_load: session %u: %s\n", session, what);
  exit(1);
}

static void *need(void *memory) {
  if (memory == NULL) fail("memory", "none left");
  return memory;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Exponential with this mean: the gaps of independent clients. */
static double random_gap_ns(double mean_ns) {
  return -mean_ns * log((double)((random_word() >> 11) + 1) / 9007199254740993.0);
}

/* ---------------------------------------------------------------- script */

static void read_script(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(path, strerror(errno));
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  session_t *session = NULL;
  while ((length = getline(&line, &size, file)) > 0) {
    if (line[length - 1] == '\n') line[--length] = 0;
    if (length == 0) continue;
    if (line[0] == 'S') {
      if (session_count == SESSIONS_MAX) fail(path, "too many sessions");
      session = &sessions[session_count++];
      continue;
    }
    if (session == NULL || length < 3 || line[1] != ' ') fail(path, "a line that is none of S, A, R, X");
    char *text = need(strdup(line + 2));
    if (line[0] == 'A') {
      session->authentication = text;
    } else if (line[0] == 'R' || line[0] == 'X') {
      session->requests = need(realloc(session->requests, (session->request_count + 1) * sizeof(request_t)));
      session->requests[session->request_count++] = (request_t){text, (uint32_t)length - 2, line[0] == 'R'};
    } else {
      fail(path, "a line that is none of S, A, R, X");
    }
  }
  free(line);
  fclose(file);
  if (session_count == 0) fail(path, "no session");
  for (uint32_t i = 0; i < session_count; i++)
    if (sessions[i].request_count == 0) fail(path, "a session without requests");
}

/* ---------------------------------------------------------------- frames */

/* Append one masked text frame made of two parts to the session's output. */
static void put_frame(session_t *session, const char *head, uint32_t head_length, const char *tail,
                      uint32_t tail_length) {
  size_t wanted = session->output_used + head_length + tail_length + FRAME_OVERHEAD;
  if (wanted > session->output_size) {
    session->output_size = wanted * 2;
    if (session->output_size > OUTPUT_BYTES_MAX) lose("the server does not read", (uint32_t)(session - sessions));
    session->output = need(realloc(session->output, session->output_size));
  }
  session->output_used += write_text_frame(session->output + session->output_used, head, head_length, tail, tail_length);
}

static void flush_output(session_t *session) {
  size_t done = 0;
  while (done < session->output_used) {
    ssize_t wrote = send(session->socket, session->output + done, session->output_used - done, MSG_NOSIGNAL);
    if (wrote < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (errno == EINTR) continue;
      lose(strerror(errno), (uint32_t)(session - sessions));
    }
    done += (size_t)wrote;
  }
  memmove(session->output, session->output + done, session->output_used - done);
  session->output_used -= done;
}

/* ---------------------------------------------------------------- answers */

static const uint8_t *find(const uint8_t *text, size_t length, const char *word) {
  return memmem(text, length, word, strlen(word));
}

static void take_answer(const uint8_t *text, size_t length, int64_t now, int closed_loop) {
  const uint8_t *at = find(text, length, "\"id\":");
  if (at == NULL) return; /* a notification */
  uint64_t id = strtoull((const char *)at + 5, NULL, 10);
  if (id == 0 || id > sent_count) return; /* authentication, or somebody else's */
  sent_t *record = &sent[id - 1];
  if (record->due_ns < 0) fail("server", "a request was answered twice");
  if (find(text, length, "\"error\":") != NULL && errors++ == 0)
    snprintf(first_error, sizeof first_error, "%.*s", (int)(length < 500 ? length : 500), (const char *)text);
  if (record->counted) latencies_us[counted_answered++] = (uint32_t)((now - record->due_ns) / 1000);
  record->due_ns = -1;
  answered++;
  if (closed_loop) sessions[record->session].in_flight--;
}

static void read_answers(uint32_t index, int closed_loop) {
  session_t *session = &sessions[index];
  ssize_t got = recv(session->socket, session->input + session->input_used, INPUT_BYTES - session->input_used - 1, 0);
  if (got == 0) lose("the server closed the connection", index);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return;
    lose(strerror(errno), index);
  }
  session->input_used += (size_t)got;
  session->input[session->input_used] = 0;
  int64_t now = now_ns();
  size_t at = 0, size, length;
  const uint8_t *payload;
  while ((size = whole_frame(session->input + at, session->input_used - at, &payload, &length)) > 0) {
    uint8_t kind = session->input[at] & 15;
    if (kind == FRAME_CLOSE) lose("the server sent a close frame", index);
    if (kind == FRAME_TEXT) take_answer(payload, length, now, closed_loop);
    at += size;
  }
  memmove(session->input, session->input + at, session->input_used - at);
  session->input_used -= at;
}

/* ---------------------------------------------------------------- connections */

static void send_all(int socket, const void *data, size_t length, uint32_t index) {
  const char *at = data;
  while (length) {
    ssize_t wrote = send(socket, at, length, MSG_NOSIGNAL);
    if (wrote <= 0) lose(strerror(errno), index);
    at += wrote;
    length -= (size_t)wrote;
  }
}

static void upgrade(session_t *session, uint32_t index, const char *host, const char *port) {
  char request[512];
  int length = snprintf(request, sizeof request,
                        "GET /ws/api/v2 HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: aGFzaGJvb2sgbG9hZCBrZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        host, port);
  send_all(session->socket, request, (size_t)length, index);
  uint8_t *end = NULL;
  while (end == NULL) {
    ssize_t got = recv(session->socket, session->input + session->input_used, 8192, 0);
    if (got <= 0) lose("no answer to the upgrade", index);
    session->input_used += (size_t)got;
    end = memmem(session->input, session->input_used, "\r\n\r\n", 4);
    if (session->input_used > 32768 && end == NULL) lose("an endless answer to the upgrade", index);
  }
  if (memcmp(session->input, "HTTP/1.1 101", 12) != 0) lose("the upgrade was refused", index);
  size_t head = (size_t)(end + 4 - session->input);
  memmove(session->input, session->input + head, session->input_used - head);
  session->input_used -= head;
}

static void authenticate(session_t *session, uint32_t index) {
  if (session->authentication == NULL) return;
  put_frame(session, session->authentication, (uint32_t)strlen(session->authentication), "", 0);
  send_all(session->socket, session->output, session->output_used, index);
  session->output_used = 0;
  for (;;) {
    const uint8_t *payload;
    size_t length, size = whole_frame(session->input, session->input_used, &payload, &length);
    if (size != 0) {
      int answer = find(payload, length, "\"id\":") != NULL, refused = find(payload, length, "\"error\":") != NULL;
      if (refused) fprintf(stderr, "ws_load: %.*s\n", (int)length, (const char *)payload);
      if (refused) lose("authentication was refused", index);
      memmove(session->input, session->input + size, session->input_used - size);
      session->input_used -= size;
      if (answer) return;
      continue;
    }
    ssize_t got = recv(session->socket, session->input + session->input_used, INPUT_BYTES - session->input_used - 1, 0);
    if (got <= 0) lose("no answer to authentication", index);
    session->input_used += (size_t)got;
  }
}

static void open_session(uint32_t index, const char *host, const char *port) {
  session_t *session = &sessions[index];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *address;
  int one = 1;
  if (getaddrinfo(host, port, &hints, &address) != 0) fail(host, "unknown host");
  session->socket = socket(address->ai_family, SOCK_STREAM, 0);
  if (session->socket < 0 || connect(session->socket, address->ai_addr, address->ai_addrlen) != 0)
    fail(host, strerror(errno));
  freeaddrinfo(address);
  setsockopt(session->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  session->input = need(malloc(INPUT_BYTES));
  session->output_size = 65536;
  session->output = need(malloc(session->output_size));
  upgrade(session, index, host, port);
  authenticate(session, index);
  fcntl(session->socket, F_SETFL, fcntl(session->socket, F_GETFL) | O_NONBLOCK);
  polls[index] = (struct pollfd){session->socket, POLLIN, 0};
}

/* ---------------------------------------------------------------- load */

static void send_request(uint32_t index, int64_t due_ns) {
  session_t *session = &sessions[index];
  const request_t *request = &session->requests[session->next];
  char tail[32];
  session->next = (session->next + 1) % session->request_count;
  if (sent_count == sent_size) {
    sent_size = sent_size ? sent_size * 2 : 1 << 16;
    sent = need(realloc(sent, sent_size * sizeof *sent));
    latencies_us = need(realloc(latencies_us, sent_size * sizeof *latencies_us));
  }
  sent[sent_count++] = (sent_t){due_ns, request->counted, index};
  counted_sent += (uint64_t)request->counted;
  int length = snprintf(tail, sizeof tail, "%llu}", (unsigned long long)sent_count);
  put_frame(session, request->text, request->length, tail, (uint32_t)length);
  session->in_flight++;
}

static void wait_for_sockets(int64_t timeout_ns, int closed_loop) {
  for (uint32_t i = 0; i < session_count; i++) {
    if (sessions[i].output_used) flush_output(&sessions[i]);
    polls[i].events = sessions[i].output_used ? POLLIN | POLLOUT : POLLIN;
  }
  struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
  int ready = ppoll(polls, session_count, &timeout, NULL);
  if (ready < 0 && errno != EINTR) fail("ppoll", strerror(errno));
  if (ready <= 0) return;
  for (uint32_t i = 0; i < session_count; i++)
    if (polls[i].revents & (POLLIN | POLLERR | POLLHUP)) read_answers(i, closed_loop);
}

static void run_open_loop(double rate, int64_t start, int64_t end) {
  double mean_ns = 1e9 / rate, due = (double)start + random_gap_ns(mean_ns);
  uint32_t turn = 0;
  for (;;) {
    int64_t now = now_ns();
    for (; due <= (double)now && due < (double)end; due += random_gap_ns(mean_ns)) {
      if ((uint64_t)(now - (int64_t)due) > late_ns_max) late_ns_max = (uint64_t)(now - (int64_t)due);
      send_request(turn, (int64_t)due);
      turn = (turn + 1) % session_count;
    }
    if (due >= (double)end) return;
    wait_for_sockets(0, 0);
    struct timespec tick = {0, TICK_NS};
    nanosleep(&tick, NULL);
  }
}

static void run_closed_loop(uint32_t window, int64_t end) {
  for (int64_t now = now_ns(); now < end; now = now_ns()) {
    for (uint32_t i = 0; i < session_count; i++)
      while (sessions[i].in_flight < window) send_request(i, now);
    wait_for_sockets(1000000, 1);
  }
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static uint32_t percentile(double fraction) {
  if (counted_answered == 0) return 0;
  uint64_t at = (uint64_t)(fraction * (double)counted_answered);
  return latencies_us[at < counted_answered ? at : counted_answered - 1];
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 6) fail("usage", "ws_load HOST PORT SCRIPT RATE SECONDS [WINDOW]");
  double rate = strtod(arguments[4], NULL), seconds = strtod(arguments[5], NULL);
  uint32_t window = argument_count > 6 ? (uint32_t)strtoul(arguments[6], NULL, 10) : 1;
  if (rate < 0 || seconds <= 0 || window == 0) fail("usage", "RATE >= 0, SECONDS > 0, WINDOW > 0");
  read_script(arguments[3]);
  for (uint32_t i = 0; i < session_count; i++) open_session(i, arguments[1], arguments[2]);

  double cpu = cpu_seconds();
  int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9);
  if (rate > 0) run_open_loop(rate, start, end);
  else run_closed_loop(window, end);
  int64_t sending_ended = now_ns();
  while (answered < sent_count && now_ns() < sending_ended + DRAIN_NS) wait_for_sockets(1000000, rate == 0);
  cpu = cpu_seconds() - cpu;

  double elapsed = (double)((rate > 0 ? end : sending_ended) - start) * 1e-9;
  qsort(latencies_us, counted_answered, sizeof *latencies_us, ascending);
  printf("LOAD sent=%llu counted=%llu acked=%llu missing=%llu errors=%llu seconds=%.2f rate=%.0f p50_us=%u p90_us=%u "
         "p99_us=%u p999_us=%u max_us=%u late_max_us=%llu cpu_us=%.2f\n",
         (unsigned long long)sent_count, (unsigned long long)counted_sent, (unsigned long long)counted_answered,
         (unsigned long long)(sent_count - answered), (unsigned long long)errors, elapsed,
         (double)counted_answered / elapsed, percentile(0.5), percentile(0.9), percentile(0.99), percentile(0.999),
         percentile(1.0), (unsigned long long)late_ns_max / 1000, sent_count ? cpu * 1e6 / (double)sent_count : 0.0);
  if (errors) fprintf(stderr, "ws_load: %llu errors, the first: %s\n", (unsigned long long)errors, first_error);
  return answered == sent_count ? 0 : 1;
}
