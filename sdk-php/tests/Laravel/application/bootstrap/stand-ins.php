<?php

declare(strict_types=1);

/*
 * For package registries that lack some of Laravel's own dependencies: what a console application needs of them. Where the real
 * packages are there, this does nothing.
 */

namespace Symfony\Component\Clock {
    if (!interface_exists(ClockInterface::class)) {
        interface ClockInterface extends \Psr\Clock\ClockInterface
        {
            public function sleep(float|int $seconds): void;

            public function withTimeZone(\DateTimeZone|string $timezone): static;
        }
    }
}

namespace {
    if (!\function_exists('array_first')) {
        /**
         * @param array<mixed> $array
         */
        function array_first(array $array): mixed
        {
            return $array === [] ? null : $array[array_key_first($array)];
        }
    }
    if (!\function_exists('array_last')) {
        /**
         * @param array<mixed> $array
         */
        function array_last(array $array): mixed
        {
            return $array === [] ? null : $array[array_key_last($array)];
        }
    }
}
