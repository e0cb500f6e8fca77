// Package selection chooses one tag of an image for an ImagePolicy, as Flux's image-reflector-controller does.
//
// It is part of a stand-in for Flux, and is pure: tags in, tag out.
package selection

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/version"
)

// InvalidPolicyError reports a policy that can select nothing until its spec is changed.
type InvalidPolicyError struct{ err error }

// Error says which part of the policy is wrong.
func (e *InvalidPolicyError) Error() string { return e.err.Error() }

// Unwrap returns the parser's own error.
func (e *InvalidPolicyError) Unwrap() error { return e.err }

// Errors of a valid policy that finds no tag; the texts are Flux's, since they end up in conditions.
var (
	errNoTags   = errors.New("version list argument cannot be empty")
	errNoneFits = errors.New("unable to determine latest version from provided list")
)

// Order picks the latest of the given tags.
type Order func(tags []string) (string, error)

// NewOrder reads the ordering rule of an ImagePolicy. Its error is an *InvalidPolicyError.
func NewOrder(choice imagev1.ImagePolicyChoice) (Order, error) {
	switch {
	case choice.SemVer != nil:
		return newSemver(choice.SemVer.Range)
	case choice.Alphabetical != nil:
		return newAlphabetical(choice.Alphabetical.Order)
	case choice.Numerical != nil:
		return newNumerical(choice.Numerical.Order)
	default:
		return nil, invalid("invalid policy: given ImagePolicyChoice object is invalid")
	}
}

// Latest applies the filter, if any, and then the order. It returns the tag as the registry spells it.
// An *InvalidPolicyError means that the filter's pattern cannot be compiled.
func Latest(order Order, filter *imagev1.TagFilter, tags []string) (string, error) {
	if filter == nil {
		return order(tags)
	}
	pattern, err := regexp.Compile(filter.Pattern)
	if err != nil {
		return "", invalid("failed to filter tags: invalid regular expression pattern '%s': %w", filter.Pattern, err)
	}
	original := originalByExtract(pattern, filter.Extract, tags)
	var extracts []string
	// A map's order is random, and so is Flux's choice between extracts that compare as equal.
	for extract := range original {
		extracts = append(extracts, extract)
	}
	latest, err := order(extracts)
	if err != nil {
		return "", err
	}
	return original[latest], nil
}

// originalByExtract maps what the filter makes of each matching tag to that tag.
func originalByExtract(pattern *regexp.Regexp, extract string, tags []string) map[string]string {
	original := map[string]string{}
	for _, tag := range tags {
		match := pattern.FindStringSubmatchIndex(tag)
		if match == nil {
			continue
		}
		key := tag
		if extract != "" {
			key = string(pattern.ExpandString(nil, extract, tag, match))
		}
		original[key] = tag
	}
	return original
}

func newSemver(constraint string) (Order, error) {
	parsed, err := semver.NewConstraint(constraint)
	if err != nil {
		return nil, invalid("invalid policy: %w", err)
	}
	return func(tags []string) (string, error) {
		if len(tags) == 0 {
			return "", errNoTags
		}
		var latest *semver.Version
		for _, tag := range tags {
			candidate, err := version.ParseVersion(tag)
			if err != nil || !parsed.Check(candidate) {
				continue
			}
			if latest == nil || candidate.GreaterThan(latest) {
				latest = candidate
			}
		}
		if latest == nil {
			return "", errNoneFits
		}
		return latest.Original(), nil
	}, nil
}

func newAlphabetical(order string) (Order, error) {
	descending, err := parseDirection(order)
	if err != nil {
		return nil, err
	}
	return func(tags []string) (string, error) {
		if len(tags) == 0 {
			return "", errNoTags
		}
		if descending {
			return slices.Min(tags), nil
		}
		return slices.Max(tags), nil
	}, nil
}

func newNumerical(order string) (Order, error) {
	descending, err := parseDirection(order)
	if err != nil {
		return nil, err
	}
	return func(tags []string) (string, error) {
		if len(tags) == 0 {
			return "", errNoTags
		}
		var latest string
		var latestNumber float64
		for i, tag := range tags {
			number, err := strconv.ParseFloat(tag, 64)
			if err != nil {
				return "", fmt.Errorf("failed to parse invalid numeric value '%s'", tag)
			}
			behind := number < latestNumber
			if descending {
				behind = number > latestNumber
			}
			if i == 0 || !behind {
				latest, latestNumber = tag, number
			}
		}
		return latest, nil
	}, nil
}

// parseDirection reports whether the first of the order, instead of the last, counts as the latest.
func parseDirection(order string) (descending bool, err error) {
	switch strings.ToUpper(order) {
	case "", "ASC":
		return false, nil
	case "DESC":
		return true, nil
	default:
		return false, invalid("invalid policy: invalid order argument provided: '%s', must be one of: ASC, DESC", order)
	}
}

func invalid(format string, args ...any) error {
	return &InvalidPolicyError{err: fmt.Errorf(format, args...)}
}
