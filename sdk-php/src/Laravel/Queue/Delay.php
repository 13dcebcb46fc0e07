<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

/**
 * The delay that a job carries: as `Queueable` keeps it, or, from Laravel 13 on, as its attribute `Delay` says.
 *
 * @internal
 */
final class Delay
{
    private const ATTRIBUTE = 'Illuminate\\Queue\\Attributes\\Delay';

    public static function of(object $job): \DateTimeInterface|\DateInterval|int|null
    {
        $delay = $job->delay ?? self::attribute($job);

        return match (true) {
            $delay instanceof \DateTimeInterface, $delay instanceof \DateInterval, \is_int($delay) => $delay,
            is_numeric($delay) => (int) $delay,
            default => null,
        };
    }

    private static function attribute(object $job): mixed
    {
        if (!class_exists(self::ATTRIBUTE)) {
            return null;
        }
        for ($class = new \ReflectionClass($job); $class !== false; $class = $class->getParentClass()) {
            foreach ($class->getAttributes(self::ATTRIBUTE) as $attribute) {
                return $attribute->getArguments()[0] ?? $attribute->getArguments()['delay'] ?? null;
            }
        }

        return null;
    }

    private function __construct() {}
}
