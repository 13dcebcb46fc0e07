<?php

declare(strict_types=1);

namespace Waybill\Admin;

/**
 * Walks the pages of a list.
 *
 * @internal
 */
final class Pages
{
    /**
     * @template T of object
     *
     * @param class-string<T> $class what is in the list
     * @param \Closure(string): array{iterable<mixed>, string} $page asks for the page of a token, and answers with its items and the next token
     *
     * @return \Generator<int, T>
     */
    public static function walk(string $class, \Closure $page): \Generator
    {
        $token = '';
        do {
            [$items, $token] = $page($token);
            foreach ($items as $item) {
                if ($item instanceof $class) {
                    yield $item;
                }
            }
        } while ($token !== '');
    }

    private function __construct() {}
}
