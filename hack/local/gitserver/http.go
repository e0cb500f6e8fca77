package gitserver

import (
	"bytes"
	"compress/gzip"
	"crypto/subtle"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"strings"
)

// maxBody bounds what a client may send in one request.
const maxBody = 256 << 20

// operation is what a request of Git's smart HTTP protocol does.
type operation int

const (
	other operation = iota
	list            // ask which branches there are
	fetch           // take objects: a clone or fetch
	push            // give objects
)

// serve handles one request: who asks, what for, whether a fault is due, and then git itself.
func (s *Server) serve(w http.ResponseWriter, request *http.Request) {
	name, path, ok := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), ".git/")
	repository, exists := s.repository(name)
	if !ok || !exists {
		http.Error(w, "repository not found", http.StatusNotFound)
		return
	}
	if repository.faults.disconnected() {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	writes := path == "git-receive-pack" || request.URL.Query().Get("service") == "git-receive-pack"
	user, status := s.authenticate(request, writes)
	if status != http.StatusOK {
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		}
		http.Error(w, http.StatusText(status), status)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		http.Error(w, "cannot read the request", http.StatusBadRequest)
		return
	}
	repository.handle(w, request, classify(path, request, body), user, body)
}

// authenticate returns the user's name, and the status that refuses the request or 200.
func (s *Server) authenticate(request *http.Request, writes bool) (string, int) {
	if len(s.users) == 0 {
		return "anonymous", http.StatusOK
	}
	name, password, ok := request.BasicAuth()
	if !ok {
		return "", http.StatusUnauthorized
	}
	user, known := s.users[name]
	if !known || subtle.ConstantTimeCompare([]byte(password), []byte(user.Password)) != 1 {
		return "", http.StatusUnauthorized
	}
	if writes && user.ReadOnly {
		return "", http.StatusForbidden
	}
	return name, http.StatusOK
}

// classify tells a fetch from the listing of branches, which version 2 of the protocol sends to the same address.
func classify(path string, request *http.Request, body []byte) operation {
	switch {
	case path == "info/refs" && request.URL.Query().Get("service") == "git-upload-pack":
		return list
	case path == "git-receive-pack" && request.Method == http.MethodPost:
		return push
	case path == "git-upload-pack" && bytes.Contains(plain(request, body), []byte("want ")):
		return fetch
	case path == "git-upload-pack":
		return list
	default:
		return other
	}
}

// plain returns the body as sent before compression. What cannot be read is left to git to refuse.
func plain(request *http.Request, body []byte) []byte {
	if request.Header.Get("Content-Encoding") != "gzip" {
		return body
	}
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	text, err := io.ReadAll(io.LimitReader(reader, maxBody))
	if err != nil {
		return body
	}
	return text
}

func (r *Repository) handle(w http.ResponseWriter, request *http.Request, op operation, user string, body []byte) {
	r.count(op, user)
	if !r.faults.wait(request.Context(), op) {
		panic(http.ErrAbortHandler) // the client is gone or the server stops
	}
	if op != push {
		r.backend(user, "").ServeHTTP(w, withBody(request, body))
		return
	}
	if !r.faults.loses() {
		r.backend(user, r.faults.rejection()).ServeHTTP(w, withBody(request, body))
		return
	}
	r.backend(user, r.faults.rejection()).ServeHTTP(httptest.NewRecorder(), withBody(request, body))
	panic(http.ErrAbortHandler)
}

// withBody gives the request a body of known length, which the CGI protocol demands and chunked requests do not have.
func withBody(request *http.Request, body []byte) *http.Request {
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.ContentLength = int64(len(body))
	request.TransferEncoding = nil
	return request
}

// backend runs git http-backend. The rejection reaches the pre-receive hook.
func (r *Repository) backend(user, rejection string) http.Handler {
	return &cgi.Handler{
		Path: r.git,
		Args: []string{"http-backend"},
		Dir:  r.dir,
		Root: "/" + r.name + ".git",
		Env: append(gitEnvironment(),
			"GIT_PROJECT_ROOT="+r.dir,
			"GIT_HTTP_EXPORT_ALL=1",
			"REMOTE_USER="+user,
			rejectionVariable+"="+rejection,
			protectionVariable+"="+r.faults.protected(),
		),
		Stderr: io.Discard,
	}
}
