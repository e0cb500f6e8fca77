package gitops

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"

	extgogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/giantswarm/app-upgrade-operator/internal/message"
)

// maxDetail bounds, in bytes, what an Error quotes of a server.
const maxDetail = 1024

var (
	// refused matches how servers word that a user may read but not write.
	refused = regexp.MustCompile(`(?i)read[- ]only|denied|not allowed|permission|forbidden|unauthori[sz]ed`)
	// reportedStatus matches go-git's form of a server's verdict on a push.
	reportedStatus = regexp.MustCompile(`command error on |unpack error: `)
	// progressLine matches what Git says while it works.
	progressLine = regexp.MustCompile(`^[A-Z][A-Za-z ]+:\s+\d+`)
	// control matches what a terminal would act on.
	control = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]`)
)

// verdict is what classify makes of an error.
type verdict struct {
	reason       Reason
	detail, next string
}

// failure makes an *Error of an operation's error; words are what the server said beside it.
func (r Remote) failure(operation string, err error, words string) *Error {
	v := classify(operation, err)
	if words != "" {
		v.detail += "; the server says: " + words
	}
	return &Error{
		Reason: v.reason, URL: shownURL(r.URL), Branch: r.Branch,
		Detail: r.shown(v.detail), Next: v.next, cause: contextCause(err),
	}
}

// shown makes a text fit for people: no credentials, no control characters, bounded.
func (r Remote) shown(text string) string {
	return message.Bounded(strings.TrimSpace(control.ReplaceAllString(r.scrub(text), "")), maxDetail)
}

// contextCause keeps of an error only that the caller's time was up: other causes may quote credentials.
func contextCause(err error) error {
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	return nil
}

func classify(operation string, err error) verdict {
	if unexpected, ok := errors.AsType[*plumbing.UnexpectedError](err); ok {
		err = unexpected.Err // go-git's wrapper hides what it wraps
	}
	if v, ok := classifyLocal(err); ok {
		return v
	}
	if operation == operationPush {
		if v, ok := classifyPush(err); ok {
			return v
		}
	}
	return classifyRemote(operation, err)
}

// classifyLocal knows errors that no server caused.
func classifyLocal(err error) (verdict, bool) {
	file, isFile := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return verdict{ReasonCanceled, "The operation was cancelled", ""}, true
	case errors.Is(err, errUnsupportedURL):
		return verdict{ReasonURLInvalid, "The repository's address is not of scheme http, https or ssh", "correct the GitRepository's spec.url"}, true
	case errors.Is(err, errPackTooLarge), errors.Is(err, errPackBomb), errors.Is(err, errTooManyFiles), errors.Is(err, errPathTooLong):
		return verdict{ReasonTooLarge, fmt.Sprintf("It is larger than the operator may clone: %v", err), "take large files out of the branch, or use a smaller repository"}, true
	case strings.HasPrefix(err.Error(), "invalid path"): // go-git exports no error for it
		return verdict{ReasonPathRefused, fmt.Sprintf("The branch has a file with a name that neither the operator nor Flux can push: %v", err), "rename or remove that file"}, true
	case isFile:
		return verdict{ReasonLocalFailure, fmt.Sprintf("The clone could not be kept on disk: %v", file), "give the operator's temporary volume more space"}, true
	}
	return verdict{}, false
}

// classifyPush knows how a server refuses a commit after it served a clone.
func classifyPush(err error) (verdict, bool) {
	text := err.Error()
	switch {
	case reportedStatus.MatchString(text):
		return verdict{ReasonPushRejected, "The server rejected the commit: " + text, "let these credentials push to the branch, or satisfy the rule that rejected it"}, true
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed),
		errors.Is(err, transport.ErrRepositoryNotFound), refused.MatchString(text):
		return verdict{ReasonReadOnly, "The server lets these credentials read but not write: " + text, "give the token or deploy key write access"}, true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return verdict{ReasonUnreachable, "The server closed the connection during the push", "check the server and that the credentials may write"}, true
	}
	return verdict{}, false
}

// classifyRemote knows how a server or the way to it fails.
func classifyRemote(operation string, err error) verdict {
	text := err.Error()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return verdict{ReasonUnreachable, "No complete answer in time to a " + operation, "check the server, or raise the GitRepository's spec.timeout"}
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed),
		strings.Contains(text, "ssh: unable to authenticate"):
		return verdict{ReasonUnauthorized, "The server refused the credentials: " + text, "renew them in the GitRepository's Secret"}
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return verdict{ReasonRepositoryNotFound, "The server has no such repository, or hides it from these credentials", "check spec.url of the GitRepository and what its credentials may read"}
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return verdict{ReasonBranchNotFound, "The repository is empty", "push a first commit to the branch"}
	case errors.Is(err, errNoBranch), errors.Is(err, extgogit.NoMatchingRefSpecError{}):
		return verdict{ReasonBranchNotFound, "The repository has no such branch", "create the branch, or correct spec.ref.branch of the GitRepository"}
	case strings.Contains(text, "knownhosts: "):
		return verdict{ReasonUnreachable, "The SSH server's key is not the one expected: " + text, "put the server's key into known_hosts of the GitRepository's Secret once you trust it"}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return verdict{ReasonUnreachable, "The server's certificate is not trusted: " + text, "put its authority into ca.crt of the GitRepository's Secret"}
	}
	if e, ok := errors.AsType[*http.Err](err); ok {
		return verdict{ReasonUnreachable, strings.TrimSpace(fmt.Sprintf("The server answered %s %s", e.Response.Status, e.Reason)), "check the server"}
	}
	return verdict{ReasonUnreachable, "The server gave no usable answer: " + text, "check the server and the way to it"}
}

// spoken makes readable lines of what a server sent beside a push.
func spoken(progress string) string {
	var lines []string
	for line := range strings.SplitSeq(progress, "\n") {
		line = line[strings.LastIndex(strings.TrimRight(line, "\r"), "\r")+1:]
		line = strings.TrimSpace(control.ReplaceAllString(line, ""))
		if line != "" && !progressLine.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " | ")
}
