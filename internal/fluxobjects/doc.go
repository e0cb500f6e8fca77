// Package fluxobjects says how the Flux objects of a policy look. It is pure: the same arguments give the same objects.
//
// Every field that the API server would fill in is set, so that an object that was applied equals the one that is wanted
// and nothing is written at rest.
package fluxobjects
