// Package versions compares, selects and restricts versions exactly as Flux does. It is pure.
//
// A version is what Flux's image-reflector-controller reads as one: three dotted numbers, maybe a `v` before and a
// pre-release behind. A tag is what the registry calls it; filterTags can take a version out of a longer tag. A text is
// what somebody wrote into a manifest. A step is all versions of one minor, or of one major.
package versions
