package gitops

import (
	"errors"
	"strings"
)

// Reason says what kind of failure an Error is; fit for a condition's reason.
type Reason string

const (
	// ReasonSecretMissing: a Secret that the GitRepository names does not exist.
	ReasonSecretMissing Reason = "SecretMissing"
	// ReasonAuthInvalid: a Secret exists, but no credentials can be made of it.
	ReasonAuthInvalid Reason = "AuthInvalid"
	// ReasonNotABranch: the GitRepository follows a tag, a semver range, a commit or a ref name.
	ReasonNotABranch Reason = "NotABranch"
	// ReasonUnsupportedProvider: the GitRepository's provider cannot serve it, or must not.
	ReasonUnsupportedProvider Reason = "UnsupportedProvider"
	// ReasonLoginFailed: the GitRepository's provider issued no credentials; Detail has its words.
	ReasonLoginFailed Reason = "LoginFailed"
	// ReasonURLInvalid: the address is none that Flux accepts (http, https, ssh).
	ReasonURLInvalid Reason = "URLInvalid"
	// ReasonUnreachable: no answer that makes sense: network, DNS, TLS, host key, timeout, server error.
	ReasonUnreachable Reason = "Unreachable"
	// ReasonUnauthorized: the server refused the credentials for reading.
	ReasonUnauthorized Reason = "Unauthorized"
	// ReasonRepositoryNotFound: the server knows no such repository, or hides it from these credentials.
	ReasonRepositoryNotFound Reason = "RepositoryNotFound"
	// ReasonBranchNotFound: the repository has no such branch.
	ReasonBranchNotFound Reason = "BranchNotFound"
	// ReasonReadOnly: the credentials may read but not write.
	ReasonReadOnly Reason = "ReadOnly"
	// ReasonPushRejected: the server refused the commit (protected branch, hook); Detail has its words.
	ReasonPushRejected Reason = "PushRejected"
	// ReasonSigningKeyUnusable: commits are to be signed, and there is no key that can.
	ReasonSigningKeyUnusable Reason = "SigningKeyUnusable"
	// ReasonBranchMoved: others kept committing to the branch while we tried.
	ReasonBranchMoved Reason = "BranchMoved"
	// ReasonBranchUnread: another branch than the one that counts cannot be read, for example since it is too large.
	ReasonBranchUnread Reason = "BranchUnread"
	// ReasonTooLarge: the repository is larger than the limits of the Client.
	ReasonTooLarge Reason = "TooLarge"
	// ReasonPathRefused: a change names something else than an existing regular file of the tree, or the tree has a file whose
	// name go-git does not push.
	ReasonPathRefused Reason = "PathRefused"
	// ReasonCanceled: the caller ended the operation.
	ReasonCanceled Reason = "Canceled"
	// ReasonLocalFailure: the machine we run on failed, for example its disk is full.
	ReasonLocalFailure Reason = "LocalFailure"
)

// Error is a failed operation on a repository. No field holds a secret.
type Error struct {
	// Reason is what kind of failure this is.
	Reason Reason
	// URL is the repository without user information, and Branch its branch.
	URL, Branch string
	// Detail says what happened, with the server's own words where it gave any.
	Detail string
	// Next says what a person can do about it.
	Next string

	cause error
}

// Error says what happened, where, and what to do next.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	if e.URL != "" {
		b.WriteString(" (repository " + e.URL)
		if e.Branch != "" {
			b.WriteString(", branch " + e.Branch)
		}
		b.WriteString(")")
	}
	if e.Next != "" {
		b.WriteString("; " + e.Next)
	}
	return b.String()
}

// Unwrap gives the cause, for example context.Canceled. Show Error() to people, never the
// cause: only the former is free of credentials.
func (e *Error) Unwrap() error { return e.cause }

// ReasonOf is the reason of the first *Error in err's chain, else "".
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
