#pragma once
#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// One GET request; curl's own functions take any number of arguments, which Swift cannot call.

struct odometer_get {
  const char *url;
  /// `USER:PASSWORD` or, with is_bearer, a token; NULL: none.
  const char *credentials;
  int is_bearer;
  /// PEM file of the CA; NULL: those of the system.
  const char *ca_file;
  long timeout_milliseconds;
  size_t most_bytes;

  // The answer. The caller frees `bytes`.
  char *bytes;
  size_t count;
  long status;
  int is_too_large;
  /// What OpenSSL says against the server's certificate, X509_V_OK where nothing.
  long verify_result;
  char why[CURL_ERROR_SIZE];
};

static inline size_t odometer_get_take(char *data, size_t size, size_t count, void *context) {
  struct odometer_get *get = (struct odometer_get *)context;
  size_t more = size * count;
  if (more > get->most_bytes - get->count) {
    get->is_too_large = 1;
    return 0;
  }
  char *bytes = (char *)realloc(get->bytes, get->count + more + 1);
  if (!bytes) return 0;
  memcpy(bytes + get->count, data, more);
  get->bytes = bytes;
  get->count += more;
  return more;
}

/// Asks; 0: there is an answer. No redirect is followed and no proxy is used, so that credentials
/// go to the host of the URL only. The connection stays open for the handle's next request.
static inline int odometer_get_ask(CURL *curl, struct odometer_get *get) {
  curl_easy_reset(curl);
  struct curl_slist *headers =
      curl_slist_append(NULL, "Accept: application/vnd.schemaregistry.v1+json, application/json");
  curl_easy_setopt(curl, CURLOPT_URL, get->url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, get->timeout_milliseconds);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, get->timeout_milliseconds);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "odometer");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, get->why);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, odometer_get_take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, get);
  if (get->ca_file) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, get->ca_file);
    // Otherwise the system's authorities would be trusted as well.
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
  }
  if (get->credentials && get->is_bearer) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, get->credentials);
  } else if (get->credentials) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERPWD, get->credentials);
  }
  CURLcode code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &get->status);
  curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &get->verify_result);
  if (code != CURLE_OK && !get->why[0]) {
    strncpy(get->why, curl_easy_strerror(code), sizeof get->why - 1);
  }
  // The handle must not keep what is freed here.
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
  curl_slist_free_all(headers);
  return (int)code;
}
